// The port behind which rate limits are counted: Redis for all instances together, or this process alone.
#pragma once

#include "sluice/deadline.hpp"
#include "sluice/executor.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>

namespace sluice {

struct RateLimit {
    std::uint64_t requests = 0;
    std::chrono::milliseconds window{0};
};

struct RateDecision {
    enum class Verdict {
        admitted,     // counted; serve it
        rejected,     // over the limit; it cost nothing
        unavailable,  // the store could not answer in time; the caller decides
    };
    Verdict verdict = Verdict::unavailable;
    std::uint64_t remaining = 0;
    std::chrono::milliseconds reset_after{0};  ///< until the oldest admission leaves the window
    std::chrono::milliseconds retry_after{0};  ///< rejected: until a request would be admitted
};

/// A sliding window: in any span of `limit.window` at most `limit.requests` of a key are admitted.
class RateLimiter {
public:
    virtual ~RateLimiter() = default;
    /// Counts one request of `key` if it fits.
    virtual awaitable<RateDecision> acquire(std::string_view key, const RateLimit& limit, Deadline deadline) = 0;
};

}  // namespace sluice

// The port behind which rate limits are counted: Redis for all instances together, or this process alone.
#pragma once

#include "sluice/deadline.hpp"
#include "sluice/executor.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sluice {

/// In any span of `window` at most `requests` are admitted.
struct RateLimit {
    std::uint64_t requests = 0;
    std::chrono::milliseconds window{0};
    std::string_view scope{};  ///< what is counted apart, such as a route; empty: everything of the key
};

/// One request of `key`, against all of `limits` at once. What it refers to lives until the answer.
struct RateRequest {
    RateRequest(std::string_view counted, std::span<const RateLimit> all, std::uint64_t tokens = 1) noexcept
        : key{counted}, limits{all}, cost{tokens} {}
    RateRequest(std::string_view counted, const RateLimit& only, std::uint64_t tokens = 1) noexcept
        : RateRequest{counted, std::span{&only, 1}, tokens} {}

    std::string_view key;
    std::span<const RateLimit> limits;  ///< at least one; scope and window together occur once
    std::uint64_t cost = 1;             ///< as how many requests it counts; at least 1
};

struct RateDecision {
    enum class Verdict {
        admitted,     // counted in every limit; serve it
        rejected,     // over one of the limits; it cost nothing in any
        unavailable,  // the store could not answer in time; the caller decides
    };
    Verdict verdict = Verdict::unavailable;
    std::size_t limit = 0;  ///< the tightest: of those admitted the one with least left, else that which refused for longest
    std::uint64_t remaining = 0;
    std::chrono::milliseconds reset_after{0};  ///< until the oldest admission leaves the window
    std::chrono::milliseconds retry_after{0};  ///< rejected: until the request would be admitted
};

class RateLimiter {
public:
    virtual ~RateLimiter() = default;

    /// The decision if there is one without waiting, else nothing: then call `acquire`. On a serving loop.
    virtual std::optional<RateDecision> try_acquire(const RateRequest& request) {
        static_cast<void>(request);
        return std::nullopt;
    }
    /// Counts the request if it fits. After a `try_acquire` that had no decision, or alone.
    virtual awaitable<RateDecision> acquire(RateRequest request, Deadline deadline) = 0;

    /// The store was unavailable and the caller has admitted the request all the same: to be counted once it is back.
    virtual void admitted_elsewhere(const RateRequest& request) { static_cast<void>(request); }
};

}  // namespace sluice

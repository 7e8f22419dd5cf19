// Rate limits counted in Redis for all instances together, as a log of admissions (`strategy: log`).
// Hides the script, the key names and whose clock counts (Redis').
#pragma once

#include "redis/client.hpp"
#include "redis/scripts.hpp"
#include "sluice/ports/rate_limiter.hpp"

#include <string>
#include <string_view>

namespace sluice::redis {

/// The name under which Redis keeps one of a key's limits.
std::string limit_key(std::string_view stem, std::string_view strategy, std::string_view key, const RateLimit& limit);

/// Exact: one atomic script per request over a sorted set per key, which costs Redis about 130 bytes per admission that
/// still counts. A rejected request is not recorded. An admission at t leaves the window at t + window.
class RateLimiter final : public sluice::RateLimiter {
public:
    /// The client must outlive it.
    explicit RateLimiter(Client& client) : client_{client} {}

    /// Unavailable if Redis could not answer in time or answered with an error.
    awaitable<RateDecision> acquire(RateRequest request, Deadline deadline) override;

private:
    Client& client_;
    const Script script_{sliding_log_script};
};

}  // namespace sluice::redis

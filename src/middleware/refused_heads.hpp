// Counts the requests that are refused before any step sees them, because their heads cannot be read: malformed, too large,
// late, of an unknown method. Without this they alone could be sent without end.
#pragma once

#include "auth/client_address.hpp"
#include "memory/rate_limiter.hpp"
#include "sluice/limits.hpp"
#include "sluice/ports/rate_limiter.hpp"
#include "telemetry/metrics.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::middleware {

/// Each counts as one request of an anonymous client, in this process alone: nothing is worth a question to Redis here. Any
/// thread.
class RefusedHeads {
public:
    /// `local` outlives it.
    RefusedHeads(memory::RateLimiter& local, const Tier& anonymous, const std::vector<std::string>& trusted_proxies,
                 telemetry::Metrics& metrics);

    /// `head`: what has arrived of it. Nothing: the client is within its limit; else how long it should wait.
    ///
    /// Behind a trusted proxy the client is found as for any other request, if the head's `X-Forwarded-For` has come. If
    /// not, nobody is counted: it would be the proxy, and so everybody.
    std::optional<std::chrono::seconds> count(std::string_view peer, std::string_view head);

private:
    memory::RateLimiter& local_;
    std::vector<RateLimit> limits_;
    const auth::TrustedProxies proxies_;
    const telemetry::Counter admitted_, rejected_;
};

}  // namespace sluice::middleware

// Counts the requests that are refused before any step sees them, because their heads cannot be read: malformed, too large,
// late, of an unknown method. Without this they alone could be sent without end.
#pragma once

#include "auth/client_address.hpp"
#include "memory/rate_limiter.hpp"
#include "middleware/limited_clients.hpp"
#include "sluice/limits.hpp"
#include "sluice/ports/rate_limiter.hpp"
#include "telemetry/metrics.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::middleware {

/// Each counts as one request of a client without credentials, in this process alone: nothing is worth a question to Redis
/// here. Any thread.
class RefusedHeads {
public:
    /// `local` and `clients` outlive it.
    RefusedHeads(memory::RateLimiter& local, const std::map<std::string, Tier>& tiers, const LimitedClients& clients,
                 const std::vector<std::string>& trusted_proxies, telemetry::Metrics& metrics);

    /// `head`: what has arrived of it. Nothing: the client is within its limit; else how long it should wait.
    ///
    /// Behind a trusted proxy the client is found as for any other request, if the head's `X-Forwarded-For` has come. If
    /// not, nobody is counted: it would be the proxy, and so everybody.
    std::optional<std::chrono::seconds> count(std::string_view peer, std::string_view head) const;

private:
    struct TierPlan {
        std::vector<RateLimit> limits;
        telemetry::Counter admitted, rejected;
    };

    memory::RateLimiter& local_;
    const LimitedClients& clients_;
    std::map<std::string, TierPlan, std::less<>> tiers_;
    const auth::TrustedProxies proxies_;
};

}  // namespace sluice::middleware

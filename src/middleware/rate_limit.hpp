// Counts the request against the limits of its tier and its route: in Redis for all instances, in this process while Redis
// is away.
#pragma once

#include "memory/rate_limiter.hpp"
#include "middleware/limited_clients.hpp"
#include "sluice/handler.hpp"
#include "sluice/limits.hpp"
#include "sluice/middleware.hpp"
#include "sluice/ports/rate_limiter.hpp"
#include "telemetry/metrics.hpp"

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace sluice::middleware {

class RateLimitStep final : public Middleware {
public:
    struct Stores {
        RateLimiter* shared = nullptr;  ///< null: this process's own counts are all there is
        memory::RateLimiter& local;
        std::function<unsigned()> instances = [] { return 1U; };  ///< how many share the limits while Redis is away
    };

    /// `clients` and `routes` outlive it; each route is found by its `index`.
    RateLimitStep(Stores stores, const std::map<std::string, Tier>& tiers, const LimitedClients& clients,
                  const std::vector<Route>& routes, telemetry::Metrics& metrics);

    Step before(Exchange& exchange) override;
    void after(Exchange& exchange, Response& response) noexcept override;

private:
    struct Limits {
        std::vector<RateLimit> all;
        std::vector<HeaderBlock> announced;  // of each, the fields that are the same in every answer
        void add(const WindowLimit& limit, const std::string& scope, const std::string& policy);
    };
    struct TierPlan {
        std::string name;
        Limits limits;
        std::map<std::size_t, Limits> with_route;  // by route index, of those that have limits of their own
        OnRedisFailure on_failure = OnRedisFailure::local;
        telemetry::Counter admitted, rejected, unavailable, local;
    };

    static const Limits& limits_of(const TierPlan& tier, const Route& route);
    awaitable<std::optional<Response>> ask_shared(Exchange& exchange, const TierPlan& tier, std::string key);
    std::optional<Response> without_store(Exchange& exchange, const TierPlan& tier, const RateRequest& request);
    std::optional<Response> apply(Exchange& exchange, const TierPlan& tier, const RateRequest& request,
                                  const RateDecision& decision) const;

    const Stores stores_;
    const LimitedClients& clients_;
    std::map<std::size_t, std::string> scopes_;  // by route index: what a route's own limits are counted under
    std::map<std::string, TierPlan, std::less<>> tiers_;
};

}  // namespace sluice::middleware

// Counts the request against its identity's tier, on Redis for all instances, in this process while Redis is away.
#pragma once

#include "memory/rate_limiter.hpp"
#include "sluice/middleware.hpp"
#include "sluice/ports/rate_limiter.hpp"
#include "sluice/settings.hpp"
#include "telemetry/metrics.hpp"

#include <map>
#include <string>

namespace sluice::middleware {

class RateLimitStep final : public Middleware {
public:
    /// `shared` may be null: then this process's own counts are all there is.
    RateLimitStep(RateLimiter* shared, memory::RateLimiter& local, const std::map<std::string, Tier>& tiers,
                  telemetry::Metrics& metrics);

    Step before(Exchange& exchange) override;
    void after(Exchange& exchange, Response& response) noexcept override;

private:
    struct TierLimit {
        RateLimit limit;
        telemetry::Counter admitted, rejected, unavailable, local;
    };

    awaitable<std::optional<Response>> ask_shared(Exchange& exchange, const TierLimit& tier, std::string key);
    std::optional<Response> apply(Exchange& exchange, const TierLimit& tier, const RateDecision& decision) const;

    RateLimiter* shared_;
    memory::RateLimiter& local_;
    std::map<std::string, TierLimit, std::less<>> tiers_;
};

}  // namespace sluice::middleware

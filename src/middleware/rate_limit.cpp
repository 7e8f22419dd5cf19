#include "middleware/rate_limit.hpp"

#include "auth/client_address.hpp"
#include "sluice/handler.hpp"
#include "sluice/problem.hpp"
#include "telemetry/log.hpp"

#include <algorithm>
#include <chrono>

namespace sluice::middleware {
namespace {

using std::chrono::ceil;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string limit_key(const Exchange& exchange) {
    if (exchange.identity.kind == Identity::Kind::anonymous) return "ip:" + auth::rate_limit_key(exchange.client_address);
    return exchange.identity.unique_name();
}

}  // namespace

RateLimitStep::RateLimitStep(RateLimiter* shared, memory::RateLimiter& local, const std::map<std::string, Tier>& tiers,
                             telemetry::Metrics& metrics)
    : shared_{shared}, local_{local} {
    for (const auto& [name, tier] : tiers) {
        tiers_.emplace(name, TierLimit{{tier.requests, tier.window},
                                       metrics.ratelimit_decisions(name, "admitted"),
                                       metrics.ratelimit_decisions(name, "rejected"),
                                       metrics.ratelimit_decisions(name, "unavailable"),
                                       metrics.ratelimit_decisions(name, "local")});
    }
}

Step RateLimitStep::before(Exchange& exchange) {
    if (!exchange.route->options.rate_limited) return Proceed{};
    const auto& tier = tiers_.at(exchange.identity.tier);
    auto key = limit_key(exchange);
    if (shared_) return ask_shared(exchange, tier, std::move(key));
    auto refusal = apply(exchange, tier, local_.acquire_now(key, tier.limit));
    if (refusal) return std::move(*refusal);
    return Proceed{};
}

awaitable<std::optional<Response>> RateLimitStep::ask_shared(Exchange& exchange, const TierLimit& tier, std::string key) {
    auto decision = co_await shared_->acquire(key, tier.limit, exchange.deadline);
    if (decision.verdict == RateDecision::Verdict::unavailable) {
        // The limit is kept, by each instance for itself: no request fails because Redis is away.
        tier.unavailable.add();
        tier.local.add();
        decision = local_.acquire_now(key, tier.limit);
    }
    co_return apply(exchange, tier, decision);
}

std::optional<Response> RateLimitStep::apply(Exchange& exchange, const TierLimit& tier, const RateDecision& decision) const {
    const bool rejected = decision.verdict == RateDecision::Verdict::rejected;
    exchange.applied_limit = AppliedLimit{exchange.identity.tier, tier.limit.requests, tier.limit.window, decision.remaining,
                                          rejected ? decision.retry_after : decision.reset_after};
    (rejected ? tier.rejected : tier.admitted).add();
    if (!rejected) return std::nullopt;
    Problem problem = Problem::of(429, "The limit of " + std::to_string(tier.limit.requests) + " requests in " +
                                           std::to_string(ceil<seconds>(tier.limit.window).count()) + " s is reached.");
    problem.retry_after = std::max(seconds{1}, ceil<seconds>(decision.retry_after));
    return to_response(problem, exchange.request_id);
}

void RateLimitStep::after(Exchange& exchange, Response& response) noexcept {
    if (!exchange.applied_limit) return;
    try {
        const auto& limit = *exchange.applied_limit;
        const auto wait = std::max(std::int64_t{0}, static_cast<std::int64_t>(ceil<seconds>(limit.reset_after).count()));
        const auto now = ceil<seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
        auto& headers = response.headers;
        headers.add("X-RateLimit-Limit", std::to_string(limit.requests));
        headers.add("X-RateLimit-Remaining", std::to_string(limit.remaining));
        headers.add("X-RateLimit-Reset", std::to_string(now + wait));
        // draft-ietf-httpapi-ratelimit-headers
        const auto name = '"' + limit.tier + '"';
        headers.add("RateLimit-Policy", name + ";q=" + std::to_string(limit.requests) +
                                            ";w=" + std::to_string(ceil<seconds>(limit.window).count()));
        headers.add("RateLimit", name + ";r=" + std::to_string(limit.remaining) + ";t=" + std::to_string(wait));
    } catch (const std::exception& error) {
        log::error("limit headers could not be written", {{"error", error.what()}});
    }
}

}  // namespace sluice::middleware

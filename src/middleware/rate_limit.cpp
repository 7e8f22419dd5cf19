#include "middleware/rate_limit.hpp"

#include "middleware/counted_address.hpp"
#include "runtime/line.hpp"
#include "sluice/handler.hpp"
#include "sluice/problem.hpp"
#include "telemetry/log.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace sluice::middleware {
namespace {

using std::chrono::ceil;
using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string of_route = "route";

// On the way of every request, so it is written where the last one's was. Valid until the next.
const std::string& limit_key(const Exchange& exchange) {
    thread_local std::string key;
    key.clear();
    if (exchange.identity.kind == Identity::Kind::anonymous) {
        key.append("ip:").append(counted_address(exchange.client_address));
    } else {
        exchange.identity.append_unique_name(key);
    }
    return key;
}

template <class Time>
std::uint64_t whole_seconds(Time time) {
    return static_cast<std::uint64_t>(ceil<seconds>(time).count());
}

// RFC 8941: a string with two parameters. Valid until the next.
std::string_view item(std::string_view text, std::string_view first, std::uint64_t one, std::string_view second,
                      std::uint64_t other) {
    thread_local runtime::Line line;
    return line.start("\"").add(text).add("\"").add(first).add(one).add(second).add(other).view();
}

/// Within the limit: what the auth step has refused is answered now.
std::optional<Response> answer_of(Exchange& exchange, std::optional<Response> over_limit) {
    if (over_limit || !exchange.refusal) return over_limit;
    return std::move(exchange.refusal);
}

}  // namespace

RateLimitStep::RateLimitStep(Stores stores, const std::map<std::string, Tier>& tiers, const LimitedClients& clients,
                             const std::vector<Route>& routes, telemetry::Metrics& metrics)
    : stores_{std::move(stores)}, clients_{clients} {
    for (const auto& route : routes) {
        if (!route.options.limits.empty()) {
            scopes_[route.index] = std::string{to_string(route.method)} + " " + route.pattern;
        }
    }
    for (const auto& [name, tier] : tiers) {
        auto& plan = tiers_[name];
        plan.name = name;
        plan.on_failure = tier.on_redis_failure;
        plan.admitted = metrics.ratelimit_decisions(name, "admitted");
        plan.rejected = metrics.ratelimit_decisions(name, "rejected");
        plan.unavailable = metrics.ratelimit_decisions(name, "unavailable");
        plan.local = metrics.ratelimit_decisions(name, "local");
        for (const auto& limit : tier.limits) plan.limits.add(limit, {}, name);
        for (const auto& [index, scope] : scopes_) {
            auto& limits = plan.with_route[index] = plan.limits;
            for (const auto& limit : routes[index].options.limits) limits.add(limit, scope, of_route);
        }
    }
}

void RateLimitStep::Limits::add(const WindowLimit& limit, const std::string& scope, const std::string& policy) {
    all.push_back({limit.requests, limit.window, scope});
    auto& fields = announced.emplace_back();
    fields.add("X-RateLimit-Limit", limit.requests);
    // draft-ietf-httpapi-ratelimit-headers
    fields.add("RateLimit-Policy", item(policy, ";q=", limit.requests, ";w=", whole_seconds(limit.window)));
}

const RateLimitStep::Limits& RateLimitStep::limits_of(const TierPlan& tier, const Route& route) {
    if (route.options.limits.empty()) return tier.limits;
    return tier.with_route.at(route.index);
}

Step RateLimitStep::before(Exchange& exchange) {
    const auto& route = *exchange.route;
    const auto& tier = tiers_.at(exchange.identity.tier);
    const auto& limits = limits_of(tier, route).all;
    if (!route.options.rate_limited || limits.empty() || clients_.exempt(exchange.identity, exchange.client_address)) {
        if (exchange.refusal) return std::move(*exchange.refusal);
        return Proceed{};
    }
    const auto& key = limit_key(exchange);
    const RateRequest request{key, limits, route.options.cost};
    const auto decision = stores_.shared ? stores_.shared->try_acquire(request) : stores_.local.acquire_now(request);
    if (!decision) return ask_shared(exchange, tier, key);
    auto answer = answer_of(exchange, apply(exchange, tier, request, *decision));
    if (answer) return std::move(*answer);
    return Proceed{};
}

awaitable<std::optional<Response>> RateLimitStep::ask_shared(Exchange& exchange, const TierPlan& tier, std::string key) {
    const RateRequest request{key, limits_of(tier, *exchange.route).all, exchange.route->options.cost};
    const auto decision = co_await stores_.shared->acquire(request, exchange.deadline);
    if (decision.verdict != RateDecision::Verdict::unavailable) {
        co_return answer_of(exchange, apply(exchange, tier, request, decision));
    }
    tier.unavailable.add();
    co_return answer_of(exchange, without_store(exchange, tier, request));
}

std::optional<Response> RateLimitStep::without_store(Exchange& exchange, const TierPlan& tier, const RateRequest& request) {
    switch (tier.on_failure) {
        case OnRedisFailure::open:
            tier.admitted.add();
            return std::nullopt;
        case OnRedisFailure::closed: {
            tier.rejected.add();
            Problem problem = Problem::of(503, "The rate limit cannot be checked now.");
            problem.retry_after = seconds{1};
            return to_response(problem, exchange.request_id);
        }
        case OnRedisFailure::local:
            break;
    }
    // The limit is kept, by each instance for its share: no request fails because Redis is away.
    tier.local.add();
    const auto decision = stores_.local.acquire_now(request, stores_.instances());
    if (decision.verdict == RateDecision::Verdict::admitted) stores_.shared->admitted_elsewhere(request);
    return apply(exchange, tier, request, decision);
}

std::optional<Response> RateLimitStep::apply(Exchange& exchange, const TierPlan& tier, const RateRequest& request,
                                             const RateDecision& decision) const {
    const bool rejected = decision.verdict == RateDecision::Verdict::rejected;
    const auto& limit = request.limits[decision.limit];
    exchange.applied_limit = AppliedLimit{limit.scope.empty() ? tier.name : of_route,
                                          limit.requests,
                                          limit.window,
                                          decision.remaining,
                                          rejected ? decision.retry_after : decision.reset_after,
                                          &limits_of(tier, *exchange.route).announced[decision.limit]};
    (rejected ? tier.rejected : tier.admitted).add();
    if (!rejected) return std::nullopt;
    Problem problem = Problem::of(429, "The limit of " + std::to_string(limit.requests) + " requests in " +
                                           std::to_string(ceil<seconds>(limit.window).count()) + " s is reached.");
    problem.retry_after = std::max(seconds{1}, ceil<seconds>(decision.retry_after));
    return to_response(problem, exchange.request_id);
}

void RateLimitStep::after(Exchange& exchange, Response& response) noexcept {
    if (!exchange.applied_limit) return;
    try {
        const auto& limit = *exchange.applied_limit;
        const auto wait = whole_seconds(std::max(milliseconds{0}, limit.reset_after));
        auto& headers = response.headers;
        headers.append(*limit.announced);
        headers.add("X-RateLimit-Remaining", limit.remaining);
        headers.add("X-RateLimit-Reset", whole_seconds(std::chrono::system_clock::now().time_since_epoch()) + wait);
        // draft-ietf-httpapi-ratelimit-headers
        headers.add("RateLimit", item(limit.policy, ";r=", limit.remaining, ";t=", wait));
    } catch (const std::exception& error) {
        log::error("limit_fields_failed", {{"error", error.what()}});
    }
}

}  // namespace sluice::middleware

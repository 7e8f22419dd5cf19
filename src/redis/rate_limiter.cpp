#include "redis/rate_limiter.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace sluice::redis {
namespace {

using std::chrono::ceil;
using std::chrono::microseconds;
using std::chrono::milliseconds;

/// Lua counts in doubles, which are exact up to here.
constexpr std::uint64_t most_exact = std::uint64_t{1} << 53;
/// The log outlives its newest entry by this: Redis counts an expiry from the start of the command, the script a moment
/// later.
constexpr milliseconds expiry_margin{1000};

}  // namespace

awaitable<RateDecision> RateLimiter::acquire(RateRequest request, Deadline deadline) {
    const auto stem = client_.keys().stem();
    if (!stem) co_return RateDecision{};
    ScriptCall call{{}, {std::to_string(request.cost)}};
    for (const auto& limit : request.limits) {
        call.keys.push_back(limit_key(*stem, "log", request.key, limit));
        call.arguments.push_back(std::to_string(std::min(limit.requests, most_exact)));
        call.arguments.push_back(std::to_string(microseconds{limit.window}.count()));
        call.arguments.push_back(std::to_string((limit.window + expiry_margin).count()));
    }
    const Reply reply = co_await script_.run(client_, std::move(call), deadline);
    RateDecision decision;
    if (reply.status != Status::ok || !holds_integers(reply.value, 5)) co_return decision;
    const auto& answer = reply.value.elements;
    decision.verdict = answer[0].integer == 1 ? RateDecision::Verdict::admitted : RateDecision::Verdict::rejected;
    decision.limit = static_cast<std::size_t>(answer[1].integer) - 1;
    decision.remaining = static_cast<std::uint64_t>(answer[2].integer);
    decision.reset_after = ceil<milliseconds>(microseconds{answer[3].integer});
    decision.retry_after = ceil<milliseconds>(microseconds{answer[4].integer});
    co_return decision;
}

std::string limit_key(std::string_view stem, std::string_view strategy, std::string_view key, const RateLimit& limit) {
    // One hash tag, so that all of a key's limits are in one slot of a cluster.
    std::string name{stem};
    name.append(strategy).append(":{").append(key).append("}:").append(std::to_string(limit.window.count()));
    if (!limit.scope.empty()) name.append(1, ':').append(limit.scope);
    return name;
}

}  // namespace sluice::redis

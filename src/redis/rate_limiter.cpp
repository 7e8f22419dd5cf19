#include "redis/rate_limiter.hpp"

#include <algorithm>
#include <array>
#include <string>

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

bool is_decision(const Value& value) {
    return value.kind == Value::Kind::array && value.elements.size() == 4 &&
           std::all_of(value.elements.begin(), value.elements.end(),
                       [](const Value& element) { return element.kind == Value::Kind::integer; });
}

}  // namespace

awaitable<RateDecision> RateLimiter::acquire(std::string_view key, const RateLimit& limit, Deadline deadline) {
    const std::string name = "sluice:rl:{" + std::string{key} + "}";
    const std::string requests = std::to_string(std::min(limit.requests, most_exact));
    const std::string window = std::to_string(microseconds{limit.window}.count());
    const std::string expiry = std::to_string((limit.window + expiry_margin).count());
    const std::array<std::string_view, 3> arguments{requests, window, expiry};
    const Reply reply = co_await script_.run(client_, name, arguments, deadline);
    RateDecision decision;
    if (reply.status != Status::ok || !is_decision(reply.value)) co_return decision;
    const auto& answer = reply.value.elements;
    decision.verdict = answer[0].integer == 1 ? RateDecision::Verdict::admitted : RateDecision::Verdict::rejected;
    decision.remaining = static_cast<std::uint64_t>(answer[1].integer);
    decision.reset_after = ceil<milliseconds>(microseconds{answer[2].integer});
    decision.retry_after = ceil<milliseconds>(microseconds{answer[3].integer});
    co_return decision;
}

}  // namespace sluice::redis

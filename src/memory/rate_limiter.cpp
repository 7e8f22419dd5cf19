#include "memory/rate_limiter.hpp"

#include "policy/lease.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace sluice::memory {

namespace {

constexpr std::size_t swept_per_call = 2;       // buckets: more than one call can add, so the sweep keeps up
constexpr std::size_t looked_at_when_full = 8;  // keys among which the victim is chosen

// Never too early: a client that waits as long as it is told is admitted.
std::chrono::milliseconds rounded_up(Duration duration) { return std::chrono::ceil<std::chrono::milliseconds>(duration); }

}  // namespace

RateLimiter::RateLimiter(Settings settings, std::function<TimePoint()> clock)
    : clock_{std::move(clock)}, keys_{settings.max_keys, settings.shards} {}

awaitable<RateDecision> RateLimiter::acquire(RateRequest request, Deadline) { co_return acquire_now(request); }

RateDecision RateLimiter::acquire_now(const RateRequest& request, std::uint64_t instances) {
    auto& shard = keys_.shard_of(request.key);
    const TimePoint now = clock_();

    std::lock_guard lock{shard.mutex};
    shard.sweep(swept_per_call, [now](const Entry& entry) { return entry.empty_at <= now; });
    auto found = shard.entries.find(request.key);
    if (found != shard.entries.end()) return admit(found->second, request, instances, now);
    Entry entry;
    const auto decision = admit(entry, request, instances, now);
    // A rejected request leaves nothing to remember.
    if (decision.verdict == RateDecision::Verdict::admitted) {
        if (keys_.full(shard)) make_room(shard);
        shard.entries.emplace(std::string{request.key}, std::move(entry));
    }
    return decision;
}

policy::SlidingWindow& RateLimiter::window_of(Entry& entry, const RateLimit& limit) {
    for (auto& window : entry.windows) {
        if (window.length == limit.window && window.scope == limit.scope) return window.log;
    }
    return entry.windows.emplace_back(Window{std::string{limit.scope}, limit.window, {}}).log;
}

RateDecision RateLimiter::admit(Entry& entry, const RateRequest& request, std::uint64_t instances, TimePoint now) {
    RateDecision decision{.verdict = RateDecision::Verdict::admitted,
                          .remaining = std::numeric_limits<std::uint64_t>::max()};
    for (std::size_t i = 0; i < request.limits.size(); ++i) {
        const auto& limit = request.limits[i];
        const auto share = policy::local_share(limit.requests, instances);
        const auto found = window_of(entry, limit).look(now, share, limit.window, request.cost);
        if (!found.admitted) {
            const auto retry = found.retry_after > Duration::zero() ? rounded_up(found.retry_after) : limit.window;
            if (decision.verdict == RateDecision::Verdict::rejected && retry <= decision.retry_after) continue;
            decision = {RateDecision::Verdict::rejected, i, found.remaining, rounded_up(found.reset_after), retry};
        } else if (decision.verdict == RateDecision::Verdict::admitted && found.remaining < decision.remaining) {
            decision = {RateDecision::Verdict::admitted, i, found.remaining, rounded_up(found.reset_after), {}};
        }
    }
    if (decision.verdict == RateDecision::Verdict::rejected) return decision;
    for (const auto& limit : request.limits) {
        window_of(entry, limit).record(now, limit.requests, limit.window, request.cost);
        entry.empty_at = std::max(entry.empty_at, window_of(entry, limit).newest() + limit.window);
    }
    decision.remaining -= request.cost;
    if (decision.reset_after == std::chrono::milliseconds{0}) decision.reset_after = request.limits[decision.limit].window;
    return decision;
}

void RateLimiter::make_room(Keys::Shard& shard) {
    const std::string* victim = nullptr;
    TimePoint ends = TimePoint::max();
    shard.look_at(looked_at_when_full, [&](const std::string& key, const Entry& entry) {
        if (victim == nullptr || entry.empty_at < ends) {
            victim = &key;
            ends = entry.empty_at;
        }
        return false;
    });
    if (victim != nullptr) shard.entries.erase(shard.entries.find(*victim));
}

}  // namespace sluice::memory

#include "memory/rate_limiter.hpp"

#include <algorithm>
#include <utility>

namespace sluice::memory {

namespace {

constexpr std::size_t swept_per_call = 2;       // buckets: more than one call can add, so the sweep keeps up
constexpr std::size_t looked_at_when_full = 8;  // keys among which the victim is chosen

// Never too early: a client that waits as long as it is told is admitted.
std::chrono::milliseconds rounded_up(Duration duration) { return std::chrono::ceil<std::chrono::milliseconds>(duration); }

}  // namespace

RateLimiter::RateLimiter(Settings settings, std::function<TimePoint()> clock)
    : clock_{std::move(clock)}, shards_(std::max<std::size_t>(1, settings.shards)) {
    keys_per_shard_ = std::max<std::size_t>(1, settings.max_keys / shards_.size());
}

awaitable<RateDecision> RateLimiter::acquire(std::string_view key, const RateLimit& limit, Deadline) {
    co_return acquire_now(key, limit);
}

RateDecision RateLimiter::acquire_now(std::string_view key, const RateLimit& limit) {
    // The map within the shard uses the hash's low bits, so the shard is chosen by mixed high ones.
    const std::uint64_t hash = Hash{}(key)*0x9E3779B97F4A7C15u;
    Shard& shard = shards_[(hash >> 32) % shards_.size()];
    const TimePoint now = clock_();

    std::lock_guard lock{shard.mutex};
    sweep(shard, now);
    auto found = shard.entries.find(key);
    if (found == shard.entries.end()) {
        if (limit.requests == 0 || limit.window.count() <= 0) {
            return {RateDecision::Verdict::rejected, 0, std::chrono::milliseconds{0}, limit.window};  // nothing to remember
        }
        if (shard.entries.size() >= keys_per_shard_) make_room(shard);
        found = shard.entries.emplace(std::string{key}, Entry{}).first;
    }

    auto& [window, empty_at] = found->second;
    const auto decision = window.admit(now, limit.requests, limit.window);
    if (window.size() > 0) empty_at = window.newest() + limit.window;
    if (window.size() == 0) shard.entries.erase(found);
    return {decision.admitted ? RateDecision::Verdict::admitted : RateDecision::Verdict::rejected, decision.remaining,
            rounded_up(decision.reset_after), rounded_up(decision.retry_after)};
}

std::size_t RateLimiter::keys() const {
    std::size_t keys = 0;
    for (const auto& shard : shards_) {
        std::lock_guard lock{shard.mutex};
        keys += shard.entries.size();
    }
    return keys;
}

void RateLimiter::sweep(Shard& shard, TimePoint now) {
    auto& entries = shard.entries;
    for (std::size_t i = 0; i < swept_per_call && !entries.empty(); ++i) {
        const std::size_t bucket = shard.hand++ % entries.bucket_count();
        // An erase may change the bucket's iterators: start again after each.
        for (bool erased = true; erased;) {
            erased = false;
            for (auto it = entries.begin(bucket); it != entries.end(bucket); ++it) {
                if (it->second.empty_at > now) continue;
                entries.erase(it->first);
                erased = true;
                break;
            }
        }
    }
}

void RateLimiter::make_room(Shard& shard) {
    auto& entries = shard.entries;
    const std::string* victim = nullptr;
    TimePoint ends = TimePoint::max();
    std::size_t seen = 0;
    for (std::size_t i = 0; i < entries.bucket_count() && seen < looked_at_when_full; ++i) {
        const std::size_t bucket = shard.hand++ % entries.bucket_count();
        for (auto it = entries.begin(bucket); it != entries.end(bucket); ++it, ++seen) {
            if (victim != nullptr && it->second.empty_at >= ends) continue;
            victim = &it->first;
            ends = it->second.empty_at;
        }
    }
    if (victim != nullptr) entries.erase(entries.find(*victim));
}

}  // namespace sluice::memory

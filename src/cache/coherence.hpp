// What this instance knows of the database's invalidations, and whether a value survives them.
// Fed by the poll of the primary and by this instance's own writes; the rule itself is policy::judge_freshness.
#pragma once

#include "cache/cached_value.hpp"
#include "policy/freshness.hpp"
#include "postgres/change_feed.hpp"
#include "postgres/records.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace sluice::cache {

class Coherence {
public:
    /// `remembered`: the most invalidations to keep. Beyond it the horizon moves up, which costs misses, never stale hits.
    explicit Coherence(std::size_t remembered = 500'000) : remembered_{remembered} {}

    /// A poll was answered. If the server is not the one polled before, labels from before prove nothing any more.
    void learn(const postgres::Poll& poll);
    /// Invalidations that this instance has just written, or was told of by message (those have no id).
    void learn(std::span<const postgres::Invalidation> invalidations, TimePoint now);
    /// To be called every `tick_interval`, counted from the end of the last call, and so never for time in which the process
    /// was stopped: by it an instance knows polls that fail from polls that it could not send. True if they now fail.
    bool tick() noexcept;
    static constexpr std::chrono::milliseconds tick_interval{50};
    /// Polls have not been answered for longer than they may take; also until the first one is.
    bool polls_fail() const noexcept { return ticks_since_poll_.load(std::memory_order_relaxed) >= ticks_to_fail; }
    /// Whether the database keeps invalidations, as of the last poll. If not, values live by their ttl and by what `learn`
    /// is told.
    bool enabled() const noexcept { return enabled_.load(std::memory_order_relaxed); }
    /// There is no database that could keep any.
    void disable() noexcept { enabled_.store(false, std::memory_order_relaxed); }

    /// When the last answered poll was sent; nothing: none was answered yet.
    std::optional<TimePoint> last_poll_sent() const noexcept;

    policy::Freshness judge(const CachedValue& value, TimePoint now) const;

    /// The primary's timeline as last polled, to be kept with a value.
    std::uint32_t timeline() const noexcept { return timeline_.load(std::memory_order_relaxed); }

private:
    void remember(const postgres::Invalidation& invalidation, TimePoint learned);
    void forget_oldest();
    void collect(const CachedValue& value, std::vector<policy::Invalidation>& relevant) const;

    // 350 ms: before the 500 ms are over in which a poll is recent enough, and more than one every 100 ms can miss by
    // itself, with the one tick that is due whenever a stopped process wakes up.
    static constexpr unsigned ticks_to_fail = 7;

    const std::size_t remembered_;
    std::atomic<unsigned> ticks_since_poll_{ticks_to_fail};
    std::atomic<bool> enabled_{true};
    std::atomic<std::uint32_t> timeline_{0};
    std::atomic<std::uint64_t> horizon_{0};
    std::atomic<Duration::rep> last_poll_sent_{0};  // 0: none yet
    std::atomic<Duration::rep> labels_from_{
        TimePoint::min().time_since_epoch().count()};  // labels of earlier loads prove nothing
    std::atomic<std::uint64_t> version_{1};            // grows with every change of what follows

    mutable std::shared_mutex mutex_;
    std::unordered_map<std::string, std::vector<policy::Invalidation>> by_tag_;
    std::vector<std::pair<std::string, policy::Invalidation>> globs_;  // `all` is the glob `*`
    std::deque<postgres::Invalidation> order_;                         // as they came, to forget the oldest
    std::unordered_set<std::int64_t> known_ids_;
};

}  // namespace sluice::cache

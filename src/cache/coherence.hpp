// What this instance knows of the database's invalidations, and whether a value survives them.
// Fed by the poll of the primary and by this instance's own writes; the rule itself is policy::judge_freshness.
#pragma once

#include "cache/cached_value.hpp"
#include "policy/changes.hpp"
#include "policy/freshness.hpp"
#include "policy/glob.hpp"
#include "policy/purge_history.hpp"
#include "policy/tag_history.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace sluice::cache {

class Coherence {
public:
    /// `remembered`: the most invalidations that are known exactly, and half the most tags. Beyond it older ones are known
    /// less exactly, which costs misses, never stale hits.
    explicit Coherence(std::size_t remembered = 500'000) : remembered_{remembered} {}

    /// A poll was answered. If its history is not the last one's, labels from before prove nothing any more.
    void learn(const policy::Poll& poll);
    /// Invalidations that this instance has just written, or was told of by message (those have no transaction).
    void learn(std::span<const policy::Invalidation> invalidations, TimePoint now);
    /// Values with one of the tags are outdated by whatever may have been committed before a snapshot with that xmax.
    void outdate(std::span<const std::string> tags, std::uint64_t xmax, TimePoint now);
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

    /// A reading of the clock, and what `last_poll_sent` said then: enough for all that a request asks of it.
    struct Look {
        TimePoint now;
        std::optional<TimePoint> last_poll_sent;
    };
    Look look() const noexcept;

    /// What was purged is `unusable`.
    policy::Freshness judge(const CachedValue& value, const Look& look) const;
    policy::Freshness judge(const CachedValue& value, TimePoint now) const { return judge(value, {now, last_poll_sent()}); }
    /// Whether an operator's purge took it. Cheap if there was none.
    bool purged(const CachedValue& value) const;
    /// When the latest purge was learned of; TimePoint::min(): none was. A load that began earlier may bring what was
    /// purged.
    TimePoint last_purge() const noexcept { return TimePoint{Duration{last_purge_.load(std::memory_order_acquire)}}; }
    /// The last poll's; 0: there was none.
    HistoryId history() const;
    /// The label of what is loaded from now on, and not from the database: whatever the last poll did not see may be missing
    /// in it. Nothing: no invalidations are kept, or none were asked for yet.
    std::optional<Label> label() const;

private:
    struct Known {
        policy::TagHistory history;
        policy::PurgeHistory purges;  // which stand in `history`, too
        bool goes = false;            // while some are dropped
    };
    struct Pattern : Known {
        explicit Pattern(const std::string& text) : glob{text} {}
        policy::Glob glob;
    };
    struct Entry {
        Known* known;
        std::uint64_t xid;
        TimePoint learned;
    };
    void remember(const policy::Invalidation& invalidation, TimePoint learned);
    void forget_transactions();
    void forget_old(TimePoint now);
    template <class Names>
    void limit(Names& names, std::size_t most);
    void collect(const CachedValue& value, std::vector<const Known*>& relevant) const;
    /// Under the lock.
    bool taken_by_purge(const CachedValue& value, const std::vector<const Known*>& relevant) const noexcept;

    // 350 ms: before the 500 ms are over in which a poll is recent enough, and more than one every 100 ms can miss by
    // itself, with the one tick that is due whenever a stopped process wakes up.
    static constexpr unsigned ticks_to_fail = 7;
    // For so long the transactions of a tag are known exactly. One that runs longer may cost misses when it ends.
    static constexpr std::chrono::minutes exact_for{2};
    static constexpr std::size_t most_patterns = 100;  // each is matched with every path that is looked up

    const std::size_t remembered_;
    std::atomic<unsigned> ticks_since_poll_{ticks_to_fail};
    std::atomic<bool> enabled_{true};
    std::atomic<Duration::rep> last_poll_sent_{0};  // 0: none yet
    std::atomic<Duration::rep> asleep_{0};          // how long the machine had slept when that was sent
    std::atomic<Duration::rep> last_purge_{TimePoint::min().time_since_epoch().count()};
    std::atomic<std::uint64_t> version_{1};  // grows with every change of what follows that can outdate a value

    mutable std::shared_mutex mutex_;  // guards what follows; a poll is taken in under it as a whole
    HistoryId history_ = 0;
    std::optional<Snapshot> polled_;
    std::uint64_t horizon_ = 0;
    Known forgotten_;  // without transactions but of purges; when the latest was learned of that was dropped
    std::unordered_map<std::string, Known> tags_;
    std::unordered_map<std::string, Pattern> patterns_;  // `all` is the pattern `*`
    std::deque<Entry> order_;                            // as they came, to forget the oldest
};

}  // namespace sluice::cache

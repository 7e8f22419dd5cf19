// Whether a cached value may be served: the rule that keeps every fresh answer close behind the database it was read from.
//
// What is promised: an answer that is served as fresh, and was judged at `now`, has every write that was answered before
// now - bound.
//
// What is known. A write and the rows that name its tags are one transaction: who sees one sees the other. A value has a
// label, a snapshot of the primary that is not newer than what the value was read from: the value has every transaction that
// its label contains. Polls of the primary bring every row that their snapshot contains and the last one's does not.
//
// Why it holds. Take a write that was answered before now - bound, and a value of one of its tags that passes. Let x be the
// write's transaction.
//   1. A poll was sent at or after now - bound, hence after the write was answered, hence after x became visible. So x is
//      contained in the last poll's snapshot, and its row is known: exactly, or as not above the greatest that was merged,
//      or it is below the horizon.
//   2. The greatest known transaction of the tag is below label.xmax, and so is every one below the horizon, as
//      horizon <= label.xmax. So x < label.xmax.
//   3. If x were running when the label was taken it would stand in label.running. Those are looked at one by one: one that
//      the last poll does not contain is not x, by 1. Any other must be at or above the horizon, above what was merged, and
//      not among the exact ones; x, by 1, is not all of that. So x is not among them.
//   4. So the label contains x, and with it the value does.
// Only transactions of one history compare: a crash gives out ids again. No clocks of two machines are compared.
#pragma once

#include "policy/tag_history.hpp"
#include "sluice/deadline.hpp"
#include "sluice/snapshot.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace sluice::policy {

enum class Freshness {
    fresh,     // serve it
    refresh,   // its ttl has passed, but nothing outdates it and `revalidate` allows: serve it, and load anew meanwhile
    stale,     // load anew; it may stand in, marked as stale, if that fails
    unusable,  // its ttl, and what comes after it, has passed: load anew, and drop it
};

/// Whether an answer may be made of it without waiting for another.
constexpr bool may_be_served(Freshness freshness) noexcept {
    return freshness == Freshness::fresh || freshness == Freshness::refresh;
}

/// What the rule must know of a cached value.
struct CachedValue {
    TimePoint loaded_at{};            ///< when its load was started, by this process's clock
    Duration ttl{0};                  ///< from loaded_at
    Duration stale{0};                ///< how long after the ttl it may still stand in
    Duration revalidate{0};           ///< how long after the ttl it may be served while it is loaded anew
    Duration grace{0};                ///< while polls fail: how long after loaded_at it may yet be fresh (`l1`)
    bool tagged = false;              ///< it depends on tags; if not, its ttl (and purges by glob) are all there is
    const Snapshot* label = nullptr;  ///< not newer than what it was read from; null: there is none
    HistoryId history = 0;            ///< the label's
};

/// What this instance knows of the database's invalidations.
struct Coherence {
    bool enabled = false;                     ///< false: the database keeps no invalidations, so that ttls are all there is
    std::optional<TimePoint> last_poll_sent;  ///< when the last poll that was answered was sent; nothing: none yet
    /// Polls go out and are not answered in time. False if none was due: the last one is old then because this process stood
    /// still, and what happened meanwhile may be asked for.
    bool polls_fail = false;
    HistoryId history = 0;                            ///< the last answered poll's
    const Snapshot* polled = nullptr;                 ///< that poll's snapshot, whole; null: none yet
    std::uint64_t horizon = 0;                        ///< invalidations by transactions below it may be forgotten
    Duration bound = std::chrono::milliseconds{500};  ///< how far behind an answered write a fresh value may be
};

/// `relevant`: what is known of each of its tags, of each pattern that matches it, and of `all`.
///
/// In this order:
/// - ttl + stale and ttl + revalidate over: unusable.
/// - Coherence disabled, or a value without tags: fresh, unless its load started before a relevant invalidation was learned
///   of. Such a purge is as exact as a replica's lag, and messages may be lost; all that follows is exact.
/// - Tags but no label, or one of another history: stale, as nothing proves it.
/// - An invalidation that the label may not contain: stale.
/// - The last answered poll was sent at most `bound` ago: fresh.
/// - Polls fail: fresh while the load started at most `grace` ago, else stale.
/// - The last answered poll is older without polls failing, as in a process that was stopped and wakes up: stale.
/// What would be fresh is, once its ttl is over, `refresh` within `revalidate` and stale beyond.
Freshness judge_freshness(TimePoint now, const CachedValue& value, const Coherence& coherence,
                          std::span<const TagHistory* const> relevant) noexcept;

}  // namespace sluice::policy

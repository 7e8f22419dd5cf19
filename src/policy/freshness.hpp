// Whether a cached value may be served: the rule that keeps every fresh answer close behind the database it was read from.
//
// Why it holds: a write and its invalidation are one transaction, so whoever sees the row sees the write. A write answered
// before a poll was sent is visible to that poll, hence its row is known here; a value that passes was read from a snapshot
// that contains the row, hence the write. So a fresh answer is at most `bound` behind any answered write. No clocks of two
// machines are compared.
#pragma once

#include "sluice/deadline.hpp"

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
    TimePoint loaded_at{};               ///< when its load was started, by this process's clock
    Duration ttl{0};                     ///< from loaded_at
    Duration stale{0};                   ///< how long after the ttl it may still stand in
    Duration revalidate{0};              ///< how long after the ttl it may be served while it is loaded anew
    Duration grace{0};                   ///< while polls fail: how long after loaded_at it may yet be fresh (`l1`)
    bool tagged = false;                 ///< it depends on tags; if not, its ttl (and purges by glob) are all there is
    bool labelled = false;               ///< xmin and seen are known
    std::uint64_t xmin = 0;              ///< label: every transaction below was over when the value's snapshot was taken
    std::span<const std::int64_t> seen;  ///< label: ids of its invalidations with xid >= xmin that the snapshot contains
};

/// What this instance knows of the database's invalidations.
struct Coherence {
    bool enabled = false;                     ///< false: the database keeps no invalidations, so that ttls are all there is
    std::optional<TimePoint> last_poll_sent;  ///< when the last poll that was answered was sent; nothing: none yet
    /// Polls go out and are not answered in time. False if none was due: the last one is old then because this process stood
    /// still, and what happened meanwhile may be asked for.
    bool polls_fail = false;
    std::uint64_t horizon = 0;                        ///< every visible invalidation with xid >= horizon is remembered
    Duration bound = std::chrono::milliseconds{500};  ///< how far behind an answered write a fresh value may be
};

/// A known invalidation that concerns the value: of one of its tags, a glob that matches it, or `all`.
struct Invalidation {
    std::int64_t id = 0;
    std::uint64_t xid = 0;                 ///< the transaction that wrote it
    TimePoint learned = TimePoint::max();  ///< when the poll that brought it was answered; judges values without a label
};

/// In this order:
/// - ttl + stale and ttl + revalidate over: unusable.
/// - Coherence disabled, or a value without tags: fresh, unless its load started before a relevant invalidation was learned
///   of. Such a purge is as exact as a replica's lag, and messages may be lost; all that follows is exact.
/// - Tags but no label: stale, as nothing proves it.
/// - An invalidation that the label's snapshot lacks (xid >= xmin and id not in seen), or a label from before the horizon:
/// stale.
/// - The last answered poll was sent at most `bound` ago: fresh.
/// - Polls fail: fresh while the load started at most `grace` ago, else stale.
/// - The last answered poll is older without polls failing, as in a process that was stopped and wakes up: stale.
/// What would be fresh is, once its ttl is over, `refresh` within `revalidate` and stale beyond.
Freshness judge_freshness(TimePoint now, const CachedValue& value, const Coherence& coherence,
                          std::span<const Invalidation> relevant) noexcept;

}  // namespace sluice::policy

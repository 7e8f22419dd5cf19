// Which transactions a snapshot of PostgreSQL contains, and which history of a database they belong to.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace sluice {

/// As `pg_current_snapshot()` tells it: it contains every transaction below `xmax` that had committed and is not `running`.
struct Snapshot {
    /// No transaction from here on is contained.
    std::uint64_t xmax = 0;
    /// Those below xmax that had not ended, ascending.
    std::vector<std::uint64_t> running;

    bool contains(std::uint64_t xid) const noexcept {
        return xid < xmax && !std::binary_search(running.begin(), running.end(), xid);
    }
    /// Whether all that had committed when `other` was taken is contained.
    bool covers(const Snapshot& other) const noexcept {
        return xmax >= other.xmax &&
               std::none_of(running.begin(), running.end(), [&](std::uint64_t xid) { return other.contains(xid); });
    }
    /// An older snapshot in at most `most` running transactions: whatever it contains, this one does.
    Snapshot shortened(std::size_t most) const {
        Snapshot shorter{xmax, running};
        if (running.size() <= most) return shorter;
        shorter.xmax = running[most];
        shorter.running.resize(most);
        return shorter;
    }

    friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

/// Names one history of one database: transaction ids and positions of the log compare within one alone. It is another after
/// a crash, a promotion, a restore, and in another cluster or database. 0: not known.
using HistoryId = std::uint64_t;

/// What a cached value must know to be checked against invalidations: a snapshot of the primary that is not newer than what
/// the value was read from.
struct Label {
    /// So many running transactions at most: with more it is an older snapshot.
    static constexpr std::size_t most_running = 64;

    HistoryId history = 0;
    Snapshot snapshot;
};

/// A place in the primary's history. What was read at or after it has every write that was answered before it was taken.
struct HistoryPosition {
    HistoryId history = 0;  ///< 0: not one that is known today
    Snapshot snapshot;      ///< a value whose label covers it has them
    std::uint64_t lsn = 0;  ///< the end of the write-ahead log: a standby that has replayed up to it has them as well
};

}  // namespace sluice

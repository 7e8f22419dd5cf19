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

}  // namespace sluice

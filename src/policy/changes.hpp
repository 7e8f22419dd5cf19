// What a database tells of changes that everyone must know: invalidations of cached values, what became of API keys, and
// the poll that brings both.
#pragma once

#include "sluice/deadline.hpp"
#include "sluice/snapshot.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::policy {

/// A row of `sluice.invalidation`: from transaction `xid` on, cached values it names are outdated.
struct Invalidation {
    enum class Kind {
        tag,   // every value that carries the tag `name`
        glob,  // every value whose key matches the pattern `name`
        all,   // every value
    };
    std::int64_t id = 0;
    std::uint64_t xid = 0;  ///< the transaction that wrote it, and the change
    Kind kind = Kind::tag;
    std::string name;
    bool purge = false;  ///< an operator's: not even a stale copy may be left of it

    friend bool operator==(const Invalidation&, const Invalidation&) = default;
};

/// A key that is not what its own text says: revoked, or moved to another tier. A later one of the same id replaces it.
struct KeyException {
    std::string id;
    /// From when on it is refused. The epoch: it is already, by the primary's clock, so that no other clock matters.
    std::optional<std::chrono::sys_seconds> revoked_from;
    std::optional<std::string> tier;  ///< the tier to use instead of the key's own

    friend bool operator==(const KeyException&, const KeyException&) = default;
};

/// What one answered poll brought.
struct Poll {
    TimePoint sent{};        ///< before it was sent: a write answered earlier is in it
    Duration asleep{0};      ///< how long the machine had slept by then
    bool coherent = false;   ///< invalidations are kept; if not, only what stands above `horizon` means anything
    bool first = false;      ///< the rows are all there are, not only the new ones: at start, and in a new history
    bool restarted = false;  ///< not the history of the last poll: labels from before prove nothing
    HistoryId history = 0;
    Snapshot snapshot{};                        ///< of the poll
    std::uint64_t horizon = 0;                  ///< from this xid on the table is complete: older rows may have been purged
    std::vector<Invalidation> invalidations{};  ///< in the order of their ids

    // Key exceptions are read in pages, one a poll, so that a million of them hold no poll up; changes come in between.
    bool keys_from_start = false;  ///< a reading of all there are begins with this poll: at start, after the server changed,
                                   ///< and when so many changed at once that pages are the better way
    bool keys_complete = false;    ///< with this poll, all there are have been read
    std::vector<KeyException> keys{};
};

}  // namespace sluice::policy

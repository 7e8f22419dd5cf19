// What the schema `sluice` records for all instances: invalidations of cached values, and what became of API keys.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace sluice::postgres {

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

}  // namespace sluice::postgres

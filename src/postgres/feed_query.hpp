// What the change feed asks the primary, and how the answer is read. One statement is one snapshot.
#pragma once

#include "postgres/change_feed.hpp"
#include "postgres/connection.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace sluice::postgres {

/// Which incarnation of which server was asked, and what its snapshot saw.
struct FeedPosition {
    std::string snapshot;  ///< empty: none yet
    std::uint32_t timeline = 0;
    std::string started;  ///< when the server was
    std::uint64_t xmax = 0;
    /// The last key exception read, in the order they are read in; nothing: all were.
    struct KeyCursor {
        std::string changed = "0";
        std::string id;
    };
    std::optional<KeyCursor> keys = KeyCursor{};
};

/// Asks for what is new since `last`, or for everything if that is of another incarnation of the server (then
/// `restarted`) or there was none. Moves `last` on. Throws ConnectionLost and SqlError, 42P01, 3F000 or 42501 when there is
/// no schema `sluice`.
Poll poll_changes(Connection& connection, FeedPosition& last, TimePoint limit);

/// The same without the schema: only where the log is.
Poll poll_log(Connection& connection, FeedPosition& last, TimePoint limit);

/// Deletes up to `most` invalidations older than `retention` and moves the horizon up, in one transaction. Returns how many
/// they were.
std::size_t purge_invalidations(Connection& connection, std::chrono::seconds retention, std::size_t most, TimePoint limit);

}  // namespace sluice::postgres

// What the change feed asks the primary, and how the answer is read. One statement is one snapshot.
#pragma once

#include "postgres/connection/connection.hpp"
#include "postgres/schema/change_feed.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace sluice::postgres {

/// What was last asked, of whom, and what its snapshot saw.
struct FeedPosition {
    /// Of the session that is asked; nothing: it is new, so who it is comes first. A session ends with its server's history.
    std::optional<ServerIdentity> identity;
    std::uint64_t token = 0;  ///< that session's

    HistoryId history = 0;  ///< of what follows; 0: nothing was answered yet
    Snapshot snapshot;
    std::uint64_t insert_lsn = 0;
    /// The last key exception read, in the order they are read in; nothing: all were.
    struct KeyCursor {
        std::string changed = "0";
        std::string id;
    };
    std::optional<KeyCursor> keys = KeyCursor{};
};

/// Asks for what is new since `last`, or for everything if that is of another history (then `restarted`) or there was none.
/// Moves `last` on if it succeeds. Throws ConnectionLost, also when the server is a standby, and SqlError, 42P01, 3F000 or
/// 42501 when there is no schema `sluice`, or an old one.
Poll poll_changes(Connection& connection, FeedPosition& last, TimePoint limit);

/// The same without the schema: only where the log is.
Poll poll_log(Connection& connection, FeedPosition& last, TimePoint limit);

/// Deletes up to `most` invalidations older than `retention` and moves the horizon up, in one transaction. Returns how many
/// they were.
std::size_t purge_invalidations(Connection& connection, std::chrono::seconds retention, std::size_t most, TimePoint limit);

}  // namespace sluice::postgres

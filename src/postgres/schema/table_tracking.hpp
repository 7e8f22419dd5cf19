// Tables that tell of their own changes: triggers that write a row of `sluice.invalidation` for each tag of what a statement
// changed, in its transaction, whoever runs it. Blocking, but for the text of the SQL.
#pragma once

#include "postgres/connection/connection.hpp"
#include "postgres/schema/short_locks.hpp"
#include "sluice/settings.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::postgres {

/// Beyond so many tags, a statement's changes are told by the table's own tag.
inline constexpr std::size_t most_tags = 1'000;

/// The function and the four statement-level triggers that track the table (INSERT, UPDATE, DELETE, TRUNCATE), as one text
/// of statements that may be run again and again. `qualified`: the table as SQL names it, quoted where needed. Pure.
std::string tracking_sql(const TrackedTable& table, std::string_view qualified);

/// What is wrong with a table of the configuration: it is not there, or lacks a column that a tag names.
struct TableMistake {
    std::size_t index = 0;  ///< among those asked about
    std::string message;
};

/// How tables are tracked on a server.
struct TrackingReport {
    std::vector<TableMistake> mistakes;
    std::vector<TableMistake> missed;    ///< no mistake: changes that its triggers do not see
    std::vector<std::string> untracked;  ///< without triggers, or with some that the configuration no longer asks for so
    std::vector<std::string> others;     ///< tracked, but not in the configuration
};

/// How a table is while instances run.
struct TableState {
    bool told = false;    ///< its changes are: by all of our triggers, as configured
    std::string trouble;  ///< why they are not, or only by its own tag; empty: nothing is wrong
    std::string shape;    ///< another one: another table, or other columns or types
};

struct TableStates {
    std::vector<TableState> tables;  ///< in the order of those asked about
    /// Of the snapshot: what was read from one whose xmin is not below it has all that had been done then.
    std::uint64_t xmax = 0;
};

// Each throws ConnectionLost or SqlError.
TableStates look_at_tables(Connection& connection, std::span<const TrackedTable> tables, TimePoint limit);
TrackingReport inspect_tracking(const std::string& url, std::span<const TrackedTable> tables);

/// What `track` would run for those that are not tracked as asked for; empty: nothing.
std::string missing_tracking_sql(const std::string& url, std::span<const TrackedTable> tables);
/// Installs what is missing or different, a transaction for each table, and logs a line for it. Throws LockedOut as well.
void track(const std::string& url, std::span<const TrackedTable> tables, const std::function<void(std::string_view)>& log,
           const LockWaiting& waiting = {});
/// Takes every trigger and function of ours away, also those of tables not in any configuration, a transaction for each
/// table. Logs a line for it. Throws LockedOut as well.
void untrack_all(const std::string& url, const std::function<void(std::string_view)>& log, const LockWaiting& waiting = {});

}  // namespace sluice::postgres

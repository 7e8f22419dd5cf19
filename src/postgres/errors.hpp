// What can go wrong between us and PostgreSQL, and what it means for the caller. Pure.
#pragma once

#include "sluice/ports/database.hpp"

#include <stdexcept>
#include <string>
#include <string_view>

namespace sluice::postgres {

/// The server cannot be reached, or the connection to it is gone. Says nothing about the statement.
class ConnectionLost : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// PostgreSQL answered with an error. The message is for operators, never for clients.
class SqlError : public std::runtime_error {
public:
    SqlError(const std::string& message, std::string sqlstate)
        : std::runtime_error{message}, sqlstate_{std::move(sqlstate)} {}
    const std::string& sqlstate() const noexcept { return sqlstate_; }

private:
    std::string sqlstate_;
};

/// libpq's messages end in a line break and span lines.
std::string one_line(std::string_view message);

/// What an SQLSTATE asks for.
enum class Verdict {
    rejected,        // the statement or its values: the caller's answer
    timed_out,       // the server cancelled the statement
    retry,           // serialization failure or deadlock: the same transaction may succeed when run again
    server_gone,     // the server ends the session or has no room for it: as good as a lost connection
    no_bookkeeping,  // a table, a schema or a right is missing: perhaps that of `sluice` itself, else rejected
};

Verdict judge(std::string_view sqlstate) noexcept;

/// Of a prepared text that was right before: whether it may be so again once it is prepared anew. It does not exist, its
/// result has changed, or a parameter has kept the type that a column had.
bool outdates_text(std::string_view sqlstate) noexcept;

/// Of a prepared text: whether types that were right when it was prepared, and are no more, may be the reason. A value that
/// is bad by itself has the same error, so it takes a look at the catalog to know.
bool may_come_of_outdated_types(std::string_view sqlstate) noexcept;

/// The port's error for it, taken as final.
DatabaseError to_database_error(const SqlError& error);
DatabaseError to_database_error(const ConnectionLost& error);

}  // namespace sluice::postgres

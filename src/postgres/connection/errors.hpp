// What can go wrong between us and PostgreSQL, and what it means for the caller. Pure.
#pragma once

#include "sluice/ports/database.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sluice::postgres {

// Which of the two it is the session says, never the SQLSTATE: a function may raise any of them, and so may a server that a
// foreign table asks. PostgreSQL ends a session with an error of severity FATAL or PANIC; after an ERROR it goes on.

/// The server cannot be reached, refuses the session or has ended it. Says nothing about the statement.
class ConnectionLost : public std::runtime_error {
public:
    explicit ConnectionLost(const std::string& message, std::string sqlstate = {})
        : std::runtime_error{message}, sqlstate_{std::move(sqlstate)} {}
    /// As far as the server gave a reason.
    const std::string& sqlstate() const noexcept { return sqlstate_; }

private:
    std::string sqlstate_;
};

/// The server refuses one session more than there are, which says nothing about those. Of other exceptions: no.
bool says_no_room(const std::exception& error) noexcept;

/// PostgreSQL answered a statement with an error, and the session goes on. The message is for operators, never for clients.
class SqlError : public std::runtime_error {
public:
    SqlError(const std::string& message, std::string sqlstate, std::shared_ptr<const ErrorFields> fields = nullptr)
        : std::runtime_error{message}, sqlstate_{std::move(sqlstate)}, fields_{std::move(fields)} {}
    const std::string& sqlstate() const noexcept { return sqlstate_; }
    /// Null: no more is known.
    const std::shared_ptr<const ErrorFields>& fields() const noexcept { return fields_; }

private:
    std::string sqlstate_;
    std::shared_ptr<const ErrorFields> fields_;
};

/// libpq's messages end in a line break and span lines.
std::string one_line(std::string_view message);

/// What the SQLSTATE of a statement's error asks for.
enum class Verdict {
    rejected,        // the statement or its values: the caller's answer
    timed_out,       // the server cancelled the statement
    retry,           // serialization failure or deadlock: the same transaction may succeed when run again
    no_bookkeeping,  // a table, a schema or a right is missing: perhaps that of `sluice` itself, else rejected
};

Verdict judge(std::string_view sqlstate) noexcept;

/// Of a write: the transaction could not write. The server may have become one that takes no writes; or the statement says
/// so itself, or a server that it asks.
bool is_read_only(std::string_view sqlstate) noexcept;

/// The SQLSTATE in a message of libpq's that is verbose; empty: the message is libpq's own.
std::string_view state_in_message(std::string_view message) noexcept;

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

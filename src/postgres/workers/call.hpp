// A query on its way through a lane, and what comes back.
#pragma once

#include "policy/circuit_breaker.hpp"
#include "postgres/connection/connection.hpp"
#include "runtime/one_shot.hpp"
#include "sluice/ports/database.hpp"
#include "sql/statement.hpp"

#include <memory>
#include <mutex>
#include <optional>

namespace sluice::postgres {

struct Reply {
    boost::system::result<QueryResult, DatabaseError> result;
    bool try_elsewhere = false;  ///< a read: this server was away, or gave it up; another may do better
    bool behind = false;         ///< a read: this standby has not got as far as it asks for; the primary has
    Duration took{0};            ///< on the connection, if that is known
};

/// Answers once: at the latest when the last owner lets it go, as `unavailable`.
class Call {
public:
    Call(const sql::Statement& statement, std::shared_ptr<const Query> query, Deadline deadline,
         policy::CircuitBreaker::Permit permit, runtime::OneShot<Reply> reply);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    void answer(Reply reply);

    /// Nobody waits for it any more: it will not begin. From any thread.
    void abandon();
    /// If it was abandoned and runs, asks the server to end it. The worker waits with its next call until that is said, so
    /// `limit` is near. Not PQcancel, whose connection has no time limit. Throws like Connection::execute.
    void cancel(Connection& over, TimePoint limit);

    // By the worker, around what it runs. Between the two a cancel can only meet this call's statement.
    /// False: it was abandoned. With 0 the process is not known, and the statement's own timeout ends it.
    bool begin(int backend);
    void end();

    const sql::Statement& statement;
    const std::shared_ptr<const Query> query;
    const Deadline deadline;                ///< never `never`
    const sql::Statement* shown = nullptr;  ///< that of the query's condition
    bool again = false;                     ///< a read: this server has just lost it
    policy::CircuitBreaker::Permit permit;

private:
    runtime::OneShot<Reply> reply_;
    bool answered_ = false;
    std::mutex mutex_;  // guards what follows
    bool abandoned_ = false;
    std::optional<int> backend_;  // the process that runs it, while it does
};

}  // namespace sluice::postgres

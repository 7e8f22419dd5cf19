// How one server is asked: pipelined on the caller's own loop if that is safe and quick, else by a worker.
#pragma once

#include "policy/statement_pace.hpp"
#include "postgres/pool/server.hpp"

#include <atomic>
#include <memory>

namespace sluice::postgres {

struct Asked {
    const sql::Statement& statement;
    policy::StatementPace& pace;  ///< of the statement
    std::shared_ptr<const Query> query;
    Deadline deadline;                      ///< never `never`
    Executor executor;                      ///< the caller's
    bool again = false;                     ///< this server has just lost it: by a worker, on a connection made anew
    const sql::Statement* shown = nullptr;  ///< that of the query's condition
};

/// The reply comes at the deadline at the latest, or when the caller is cancelled: then a statement that runs is ended.
awaitable<Reply> ask(Server& server, policy::CircuitBreaker::Permit permit, Asked asked, const std::atomic<bool>& stopping);

}  // namespace sluice::postgres

// A read on its way through a pipelined connection. Used on its loop only.
#pragma once

#include "policy/statement_pace.hpp"
#include "postgres/workers/lane.hpp"
#include "sluice/executor.hpp"

#include <boost/asio/async_result.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace sluice::postgres {

struct PipelinedRead {
    /// What the reader is told.
    enum class Turn {
        answered,   // see the reply
        to_worker,  // a worker shall do it; if it is under way here as well, whoever is first answers it
    };
    /// Whether its error may be due to a text that is outdated, and no answer.
    enum class Doubt {
        none,
        raised,   // it was told `error`: the catalog is looked at next
        settled,  // it is sent once more
    };
    using Waiter = boost::asio::async_result<boost::asio::use_awaitable_t<Executor>, void(Turn)>::handler_type;

    PipelinedRead(const sql::Statement& of, policy::StatementPace& its_pace, std::shared_ptr<const Query> what,
                  Deadline until, policy::CircuitBreaker::Permit with)
        : statement{of}, pace{its_pace}, query{std::move(what)}, deadline{until}, permit{std::move(with)} {}

    ~PipelinedRead() { permit.abandon(); }  // unless it was said how it went
    PipelinedRead(const PipelinedRead&) = delete;
    PipelinedRead& operator=(const PipelinedRead&) = delete;

    /// Nobody wants its answer any more.
    bool given_up() const noexcept { return !waiter && !late; }

    const sql::Statement& statement;
    policy::StatementPace& pace;
    const std::shared_ptr<const Query> query;
    const Deadline deadline;
    policy::CircuitBreaker::Permit permit;
    std::optional<Waiter> waiter;                 // until it is told
    std::optional<runtime::OneShot<Reply>> late;  // where an answer goes after that
    std::optional<Reply> reply;                   // for the waiter
    bool also_by_worker = false;                  // so that only success counts there
    bool disturbed = false;                       // a cancel may have hit it
    bool under_way = false;                       // on a connection
    unsigned tries = 0;
    Doubt doubt = Doubt::none;
    std::optional<SqlError> error;
};

using ReadPointer = std::shared_ptr<PipelinedRead>;
using ReadBatch = std::vector<ReadPointer>;

}  // namespace sluice::postgres

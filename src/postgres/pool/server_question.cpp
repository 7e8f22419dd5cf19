#include "postgres/pool/server_question.hpp"

#include "runtime/one_shot.hpp"

#include <boost/asio/this_coro.hpp>

#include <utility>

namespace sluice::postgres {
namespace {

DatabaseError failure(DatabaseError::Kind kind, std::string message) { return {kind, {}, std::move(message)}; }

// A standby is asked first how far it is, which is a worker's task.
PipelinedReads* pipelined_reads(Server& server, const Asked& asked) {
    if (asked.again || !asked.statement.can_be_pipelined() || !asked.pace.quick()) return nullptr;
    if (asked.query->after && !server.primary()) return nullptr;
    return server.loop_readers().of(asked.executor);
}

/// An answer that comes after the caller has gone has nowhere to go.
class LateAnswer {
public:
    explicit LateAnswer(ReadPointer read) : read_{std::move(read)} {}
    ~LateAnswer() { read_->late.reset(); }
    LateAnswer(const LateAnswer&) = delete;
    LateAnswer& operator=(const LateAnswer&) = delete;

private:
    const ReadPointer read_;
};

awaitable<Reply> ask_worker(Server& server, policy::CircuitBreaker::Permit permit, Asked asked,
                            const std::atomic<bool>& stopping) {
    const runtime::OneShot<Reply> slot{asked.executor};
    const auto call = std::make_shared<Call>(asked.statement, asked.query, asked.deadline, std::move(permit), slot);
    call->shown = asked.shown;
    call->again = asked.again;
    if (!server.submit(call)) {
        co_return Reply{failure(stopping ? DatabaseError::Kind::unavailable : DatabaseError::Kind::overloaded,
                                server.name() + ": the queue is full")};
    }
    auto reply = co_await slot.wait(asked.deadline);
    if (!reply) {
        // Late, or whoever asked has gone: then the statement's own timeout may be far off.
        const auto state = co_await boost::asio::this_coro::cancellation_state;
        if (state.cancelled() != boost::asio::cancellation_type::none) server.abandon(call);
        co_return Reply{failure(DatabaseError::Kind::timed_out, server.name() + ": no answer in time")};
    }
    if (reply->took > Duration::zero()) asked.pace.observe(reply->took);
    co_return std::move(*reply);
}

/// The read is under way already, held up by another: whoever is first answers it.
awaitable<Reply> ask_worker_as_well(Server& server, ReadPointer read, Asked asked) {
    runtime::OneShot<Reply> slot{asked.executor};
    const LateAnswer late{read};
    std::shared_ptr<Call> call;
    if (auto permit = server.breaker().try_acquire(Clock::now())) {
        const runtime::OneShot<Reply> by_worker{asked.executor};
        call = std::make_shared<Call>(asked.statement, asked.query, asked.deadline, std::move(*permit), by_worker);
        read->also_by_worker = server.submit(call);
        if (read->also_by_worker) slot = by_worker;
    }
    read->late = slot;
    auto reply = co_await slot.wait(asked.deadline);
    if (read->also_by_worker) {
        // Whoever asked has gone, or the worker was not the first (only it says what it took): its statement is for nobody.
        const auto state = co_await boost::asio::this_coro::cancellation_state;
        const bool gone = state.cancelled() != boost::asio::cancellation_type::none;
        if (reply ? reply->took == Duration::zero() : gone) server.abandon(call);
    }
    if (!reply) co_return Reply{failure(DatabaseError::Kind::timed_out, server.name() + ": no answer in time")};
    if (reply->took > Duration::zero()) asked.pace.observe(reply->took);
    co_return std::move(*reply);
}

}  // namespace

awaitable<Reply> ask(Server& server, policy::CircuitBreaker::Permit permit, Asked asked, const std::atomic<bool>& stopping) {
    auto* reads = pipelined_reads(server, asked);
    if (reads == nullptr) co_return co_await ask_worker(server, std::move(permit), asked, stopping);
    const auto read =
        std::make_shared<PipelinedRead>(asked.statement, asked.pace, asked.query, asked.deadline, std::move(permit));
    const LoopReaders::Outstanding outstanding{server.loop_readers()};
    const auto turn = co_await reads->read(read);
    if (turn == PipelinedRead::Turn::answered) co_return std::move(*read->reply);
    if (read->under_way) co_return co_await ask_worker_as_well(server, read, asked);
    co_return co_await ask_worker(server, std::move(read->permit), asked, stopping);
}

}  // namespace sluice::postgres

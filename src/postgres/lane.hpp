// A fixed number of connections to one server, each owned by one worker thread, behind a bounded queue.
// Hides connecting, reconnecting and what an error says about the server.
#pragma once

#include "policy/backoff.hpp"
#include "policy/circuit_breaker.hpp"
#include "postgres/session.hpp"
#include "runtime/blocking_lane.hpp"
#include "runtime/one_shot.hpp"
#include "telemetry/metrics.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace sluice::postgres {

struct Reply {
    boost::system::result<QueryResult, DatabaseError> result;
    bool try_elsewhere = false;  ///< a read: this server was away, or gave it up; another may do better
    bool behind = false;         ///< a read: this standby has not got as far as it asks for; the primary has
    Duration took{0};            ///< on the connection, if that is known
};

/// A query on its way through a lane. Answers once: at the latest when the last owner lets it go, as `unavailable`.
class Call {
public:
    Call(const Statement& statement, std::shared_ptr<const Query> query, Deadline deadline,
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

    const Statement& statement;
    const std::shared_ptr<const Query> query;
    const Deadline deadline;           ///< never `never`
    const Statement* shown = nullptr;  ///< that of the query's condition
    policy::CircuitBreaker::Permit permit;

private:
    runtime::OneShot<Reply> reply_;
    bool answered_ = false;
    std::mutex mutex_;  // guards what follows
    bool abandoned_ = false;
    std::optional<int> backend_;  // the process that runs it, while it does
};

class Lane {
public:
    struct Settings {
        std::string server;  ///< for metrics and the log
        Session::Settings session;
        unsigned connections = 1;
    };
    struct Events {
        std::function<bool()> away;  ///< the server is known not to answer: no connection is tried
        std::function<void(const std::vector<Invalidation>&)> invalidations;
    };

    Lane(Settings settings, Watchdog& watchdog, telemetry::Metrics& metrics, Events events);
    ~Lane();
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    void start();
    /// Drops what is queued and joins the workers. Stop the watchdog first: it ends the calls that hang.
    void stop();

    /// False if the queue is full or the lane does not run.
    bool submit(std::shared_ptr<Call> call);
    /// Lets workers without a connection make one.
    void heal();

    /// Calls queued or running.
    std::size_t outstanding() const noexcept { return outstanding_.load(std::memory_order_relaxed); }

private:
    enum class State { down, idle, busy };
    struct Worker {
        std::unique_ptr<Session> session;
        State state = State::down;
        policy::Backoff backoff{{std::chrono::milliseconds{50}, std::chrono::milliseconds{1'000}}};
        TimePoint retry_at{};
    };
    void serve(Worker& worker, Call& call);
    using Result = boost::system::result<QueryResult, DatabaseError>;
    Result run(Worker& worker, Call& call);
    Result write(Worker& worker, Call& call);
    bool wait_replayed(Session& session, const Call& call);
    Session& connected(Worker& worker, TimePoint limit);
    void settle(Worker& worker, Call& call, const SqlError& error);
    void lose(Worker& worker, Call& call, const ConnectionLost& error);
    void enter(Worker& worker, State state);
    telemetry::Gauge& gauge(State state);

    const Settings settings_;
    Watchdog& watchdog_;
    const Events events_;
    telemetry::Gauge down_, idle_, busy_;
    telemetry::Histogram seconds_;
    std::atomic<std::size_t> outstanding_{0};
    std::atomic<std::size_t> without_connection_;
    std::atomic<unsigned> waiting_{0};                // for their standby
    std::atomic<Duration::rep> no_waiting_until_{0};  // it was in vain a moment ago
    std::atomic<bool> told_of_missing_schema_{false};
    std::vector<Worker> workers_;                     // each used by its thread alone
    mutable std::mutex mutex_;                        // guards the pointer
    std::shared_ptr<runtime::BlockingLane> threads_;  // last: joined before what it uses goes
};

}  // namespace sluice::postgres

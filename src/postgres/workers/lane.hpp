// Threads that run calls on connections of their own to one server, behind a queue that knows deadlines.
// Hides connecting, reconnecting and what an error says about the server.
#pragma once

#include "postgres/workers/call_queue.hpp"
#include "postgres/workers/session_pool.hpp"
#include "telemetry/metrics.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace sluice::postgres {

class Lane {
public:
    struct Settings {
        std::string server;  ///< for metrics and the log
        Session::Settings session;
        unsigned connections = 1;
        ConnectionRoom::User user = ConnectionRoom::User::workers;
        std::string pool;  ///< for the queue's metrics
    };
    struct Events {
        std::function<bool()> away;  ///< the server is known not to answer: no connection is tried
        std::function<void()> made;  ///< the server has taken a session
        std::function<void(const std::vector<policy::Invalidation>&)> invalidations;
    };

    Lane(Settings settings, Watchdog& watchdog, ConnectionRoom& room, telemetry::Metrics& metrics, Events events);
    ~Lane();
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    void start();
    /// Drops what is queued and joins the workers. Stop the watchdog first: it ends the calls that hang.
    void stop();

    /// False: too many wait, or it could not be answered in time; or the lane has stopped.
    bool submit(std::shared_ptr<Call> call) { return queue_.add(std::move(call)); }
    /// Nobody waits for it any more.
    void forget(const Call& call) { queue_.forget(call); }
    /// Of statements with other numbers than these, sorted ones, nothing comes any more.
    void keep(std::span<const std::uint64_t> statements) { queue_.keep(statements); }
    /// Lets go of connections that are of no use, and has missing ones made.
    void heal();
    /// Lets go of those that the server has closed.
    void sweep() { sessions_.sweep(); }

    /// Calls queued or running.
    std::size_t outstanding() const { return queue_.outstanding(); }

private:
    /// The session that a call runs on, from its first use on.
    using Held = std::unique_ptr<Session>;
    using Result = boost::system::result<QueryResult, DatabaseError>;
    void work(const std::stop_token& stop);
    bool serve(Call& call);
    void answer(Held& session, Call& call);
    Result run(Held& session, Call& call);
    Result write(Held& session, Call& call);
    bool wait_replayed(Session& session, const Call& call);
    Session& connected(Held& session, TimePoint limit, bool anew);
    void drop(Held& session);
    void settle(Call& call, const SqlError& error);
    void lose(Held& session, Call& call, const ConnectionLost& error);
    void adjust();

    const Settings settings_;
    Watchdog& watchdog_;
    const Events events_;
    telemetry::Histogram seconds_;
    std::atomic<unsigned> waiting_{0};                // for their standby
    std::atomic<Duration::rep> no_waiting_until_{0};  // it was in vain a moment ago
    std::atomic<bool> told_of_missing_schema_{false};
    std::atomic<std::size_t> at_once_;  // as the queue knows it
    SessionPool sessions_;
    CallQueue queue_;
    std::vector<std::jthread> threads_;  // last: joined before what they use goes
};

}  // namespace sluice::postgres

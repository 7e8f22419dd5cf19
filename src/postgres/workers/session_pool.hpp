// The sessions of one lane: those that nobody uses, and how one more is made. Hides backing off, and what a server's refusal
// means for those that there are.
#pragma once

#include "policy/backoff.hpp"
#include "postgres/workers/connection_room.hpp"
#include "postgres/workers/session.hpp"
#include "telemetry/metrics.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace sluice::postgres {

/// No session is free, and none can be made now; but there are some, or the server's others have them all. Nothing is wrong
/// with the server: whoever wants one waits.
class NoSessionFree : public std::runtime_error {
public:
    explicit NoSessionFree(TimePoint again_at) : std::runtime_error{"no session is free"}, again_at_{again_at} {}
    /// When it may be tried again; in the past if there are some, and one will be free.
    TimePoint again_at() const noexcept { return again_at_; }

private:
    TimePoint again_at_;
};

/// Any thread.
class SessionPool {
public:
    struct Settings {
        std::string server;  ///< for metrics
        Session::Settings session;
        std::size_t most = 1;
        ConnectionRoom::User user = ConnectionRoom::User::workers;
    };
    struct Events {
        std::function<bool()> away;  ///< the server is known not to answer: no connection is tried
        std::function<void()> made;  ///< the server has taken a session
    };

    SessionPool(Settings settings, Watchdog& watchdog, ConnectionRoom& room, telemetry::Metrics& metrics, Events events);
    ~SessionPool() { clear(); }
    SessionPool(const SessionPool&) = delete;
    SessionPool& operator=(const SessionPool&) = delete;

    /// One that is free, the one used last, or a new one made within `limit`. Throws ConnectionLost if there is none at all,
    /// and NoSessionFree.
    std::unique_ptr<Session> take(TimePoint limit);
    /// One that is made now, if one can be: another was lost a moment ago, and those that are free may be as dead. Else
    /// like `take`.
    std::unique_ptr<Session> take_new(TimePoint limit);
    /// It may be used again, unless another user of the server's connections needs one more.
    void put(std::unique_ptr<Session> session);
    /// It is closed.
    void lose(std::unique_ptr<Session> session);

    /// Makes one more, if one is missing and may be tried now.
    void grow();
    /// Closes those that are free and of no use any more, or needed elsewhere.
    void sweep();
    /// Closes those that are free.
    void clear();

    /// How many callers may come at once: as many as there are sessions, or could be now. All, if none could be had, so that
    /// they are told at once.
    std::size_t usable() const;
    /// How many are missing and may be tried now.
    std::size_t missing() const;

private:
    enum class State { down, idle, busy };
    std::unique_ptr<Session> make(TimePoint limit);
    bool may_try(TimePoint now) const;
    bool away() const { return events_.away && events_.away(); }
    void forget();
    void move(State from, State to);

    const Settings settings_;
    Watchdog& watchdog_;
    ConnectionRoom& room_;
    const Events events_;
    telemetry::Gauge down_, idle_, busy_;
    mutable std::mutex mutex_;  // guards what follows
    std::vector<std::unique_ptr<Session>> free_;
    std::size_t made_ = 0;  // those under way included
    policy::Backoff backoff_{{std::chrono::milliseconds{50}, std::chrono::milliseconds{1'000}}};
    TimePoint retry_at_{};
};

}  // namespace sluice::postgres

#include "postgres/workers/session_pool.hpp"

#include "runtime/random_bits.hpp"

#include <algorithm>
#include <utility>

namespace sluice::postgres {
namespace {

constexpr Duration setup_limit = std::chrono::seconds{2};

}  // namespace

SessionPool::SessionPool(Settings settings, Watchdog& watchdog, ConnectionRoom& room, telemetry::Metrics& metrics,
                         Events events)
    : settings_{std::move(settings)},
      watchdog_{watchdog},
      room_{room},
      events_{std::move(events)},
      down_{metrics.db_connections(settings_.server, "down")},
      idle_{metrics.db_connections(settings_.server, "idle")},
      busy_{metrics.db_connections(settings_.server, "busy")} {
    down_.add(static_cast<double>(settings_.most));
}

std::unique_ptr<Session> SessionPool::take(TimePoint limit) {
    for (;;) {
        std::unique_ptr<Session> session;
        {
            const std::lock_guard lock{mutex_};
            if (free_.empty()) break;
            session = std::move(free_.back());
            free_.pop_back();
        }
        move(State::idle, State::busy);
        if (session->usable()) return session;
        lose(std::move(session));
    }
    auto session = make(limit);
    move(State::down, State::busy);
    return session;
}

std::unique_ptr<Session> SessionPool::take_new(TimePoint limit) {
    try {
        auto session = make(limit);
        move(State::down, State::busy);
        return session;
    } catch (const NoSessionFree&) {
        return take(limit);
    }
}

void SessionPool::put(std::unique_ptr<Session> session) {
    if (room_.give_up(settings_.user)) {
        move(State::busy, State::down);
        session.reset();
        return forget();
    }
    move(State::busy, State::idle);
    const std::lock_guard lock{mutex_};
    free_.push_back(std::move(session));
}

void SessionPool::lose(std::unique_ptr<Session> session) {
    move(State::busy, State::down);
    session.reset();  // first: the server has room for another only then
    forget();
    room_.gone(settings_.user);
}

void SessionPool::forget() {
    const std::lock_guard lock{mutex_};
    --made_;
}

void SessionPool::grow() {
    try {
        auto session = make(TimePoint::max());
        move(State::down, State::busy);
        put(std::move(session));
    } catch (const std::exception&) {
        // It is told by whoever watches the server.
    }
}

void SessionPool::sweep() {
    std::vector<std::unique_ptr<Session>> kept;
    std::vector<std::unique_ptr<Session>> taken;
    {
        const std::lock_guard lock{mutex_};
        taken.swap(free_);
    }
    for (auto& session : taken) {
        move(State::idle, State::busy);
        if (session->usable()) {
            put(std::move(session));
        } else {
            lose(std::move(session));
        }
    }
}

void SessionPool::clear() {
    std::vector<std::unique_ptr<Session>> taken;
    {
        const std::lock_guard lock{mutex_};
        taken.swap(free_);
    }
    for (auto& session : taken) {
        move(State::idle, State::busy);
        lose(std::move(session));
    }
}

std::size_t SessionPool::usable() const {
    const std::lock_guard lock{mutex_};
    return made_ == 0 || away() || may_try(Clock::now()) ? settings_.most : made_;
}

std::size_t SessionPool::missing() const {
    const std::lock_guard lock{mutex_};
    return !away() && may_try(Clock::now()) ? settings_.most - made_ : 0;
}

bool SessionPool::may_try(TimePoint now) const { return now >= retry_at_ && room_.may_connect(settings_.user); }

std::unique_ptr<Session> SessionPool::make(TimePoint limit) {
    const auto now = Clock::now();
    bool others = false;
    {
        const std::lock_guard lock{mutex_};
        others = made_ > 0;
        // Nobody's deadline is spent on a server that is known to be away; its monitor says when it is back.
        if (away()) throw ConnectionLost{"the server cannot be reached"};
        if (made_ >= settings_.most || !may_try(now)) {
            if (others) throw NoSessionFree{TimePoint{}};
            const auto room_at = room_.next_try(settings_.user);
            if (now < room_at && room_.any()) throw NoSessionFree{room_at};
            throw ConnectionLost{"the server could not be reached a moment ago"};
        }
        ++made_;
    }
    try {
        auto session = std::make_unique<Session>(settings_.session, watchdog_, std::min(limit, now + setup_limit));
        {
            const std::lock_guard lock{mutex_};
            backoff_.reset();
        }
        room_.made(settings_.user);
        if (events_.made) events_.made();
        return session;
    } catch (const std::exception& error) {
        const auto* lost = dynamic_cast<const ConnectionLost*>(&error);
        const bool no_room = says_no_room(error);
        {
            const std::lock_guard lock{mutex_};
            --made_;
            others = made_ > 0;
            if (!no_room) retry_at_ = Clock::now() + backoff_.next(runtime::random_bits());
        }
        if (no_room) room_.refused(settings_.user, error.what());
        if (others) throw NoSessionFree{TimePoint{}};
        if (no_room && room_.any()) throw NoSessionFree{room_.next_try(settings_.user)};
        throw ConnectionLost{error.what(), lost != nullptr ? lost->sqlstate() : ""};  // a refusal is as good as none
    }
}

void SessionPool::move(State from, State to) {
    const auto gauge = [this](State state) -> const telemetry::Gauge& {
        return state == State::down ? down_ : state == State::idle ? idle_ : busy_;
    };
    gauge(from).add(-1);
    gauge(to).add(1);
}

}  // namespace sluice::postgres

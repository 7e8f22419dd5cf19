#include "postgres/workers/lane.hpp"

#include "runtime/random_bits.hpp"
#include "telemetry/log.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace sluice::postgres {
namespace {

constexpr unsigned transaction_tries = 4;  // the first and three repeats
// Serializable transactions also collide where they only read the same pages.
constexpr unsigned conditional_tries = 10;
constexpr Duration replay_patience = std::chrono::milliseconds{50};
constexpr Duration ask_again = std::chrono::milliseconds{2};
constexpr Duration wait_again_after = std::chrono::milliseconds{250};

/// While a call runs on a session it can be cancelled there.
class Running {
public:
    Running(Call& call, const Session& session) : call_{call} {
        if (!call_.begin(session.backend())) throw SqlError{"nobody waits for it any more", "57014"};
    }
    ~Running() { call_.end(); }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

private:
    Call& call_;
};

/// The standby has not got as far as the read asks for.
struct Behind {};

// So that two transactions which collided do not collide again.
void pause_before(unsigned next_try) {
    const std::uint64_t most = 5'000UL * next_try;
    std::this_thread::sleep_for(std::chrono::microseconds{1'000 + runtime::random_bits() % most});
}

/// Of a transaction that was rolled back.
bool may_succeed_again(const SqlError& error, const Query& query, unsigned tries) {
    if (judge(error.sqlstate()) == Verdict::retry) return true;
    // A table was altered under a text that was prepared, of the write or of its condition; it has been forgotten.
    if (outdates_text(error.sqlstate()) && tries <= 2) return true;
    // Its condition may be that there is no such row, and somebody without a condition has just made it: the next look
    // tells.
    const bool conflicts = error.sqlstate() == "23505" || error.sqlstate() == "23P01";
    return query.condition && conflicts && tries == 1;
}

DatabaseError timed_out(std::string message) { return {DatabaseError::Kind::timed_out, {}, std::move(message)}; }

}  // namespace

Lane::Lane(Settings settings, Watchdog& watchdog, ConnectionRoom& room, telemetry::Metrics& metrics, Events events)
    : settings_{std::move(settings)},
      watchdog_{watchdog},
      events_{std::move(events)},
      seconds_{metrics.db_query_seconds(settings_.server)},
      at_once_{settings_.connections},
      sessions_{{settings_.server, settings_.session, settings_.connections, settings_.user},
                watchdog,
                room,
                metrics,
                {events_.away, events_.made}},
      queue_{settings_.pool, settings_.connections, metrics} {}

Lane::~Lane() { stop(); }

void Lane::start() {
    for (unsigned i = 0; i < settings_.connections; ++i) {
        threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
    }
}

void Lane::stop() {
    for (auto& thread : threads_) thread.request_stop();
    threads_.clear();
    queue_.close();
    sessions_.clear();
}

void Lane::heal() {
    sessions_.sweep();
    adjust();
    queue_.want_connections(sessions_.missing());
}

// No more calls are taken at once than there are sessions to run them.
void Lane::adjust() {
    const auto usable = sessions_.usable();
    if (at_once_.exchange(usable) != usable) queue_.set_connections(usable);
}

void Lane::work(const std::stop_token& stop) {
    while (auto task = queue_.take(stop)) {
        if (!task->call) {
            sessions_.grow();
            adjust();
            continue;
        }
        try {
            const bool tells = serve(*task->call);
            queue_.done(*task, tells);
        } catch (const NoSessionFree& none) {
            queue_.put_back(*task, none.again_at());
        }
        adjust();
    }
}

// `anew`: a connection of this server was lost over the call.
Session& Lane::connected(Held& session, TimePoint limit, bool anew) {
    if (session && session->usable()) return *session;
    drop(session);
    session = anew ? sessions_.take_new(limit) : sessions_.take(limit);
    return *session;
}

void Lane::drop(Held& session) {
    if (session) sessions_.lose(std::move(session));
}

// False: how long it took says nothing of its statement.
bool Lane::serve(Call& call) {
    const auto started = Clock::now();
    if (call.deadline.passed(started)) {
        call.permit.abandon();
        call.answer({timed_out("the deadline passed in the queue"), false});
        return false;
    }
    Held session;
    bool ran = true;
    try {
        auto result = run(session, call);
        call.permit.succeed();
        const auto took = Clock::now() - started;
        seconds_.observe(std::chrono::duration<double>(took).count());
        call.answer({std::move(result), false, false, took});
    } catch (const NoSessionFree&) {
        drop(session);
        throw;
    } catch (const Behind&) {
        ran = false;
        call.permit.succeed();
        call.answer({DatabaseError{DatabaseError::Kind::unavailable, {}, "the standby is behind"}, false, true});
    } catch (const ConnectionLost& error) {
        ran = false;
        lose(session, call, error);
    } catch (const TakesNoWrites& error) {
        ran = false;
        drop(session);  // another may find it otherwise
        call.permit.succeed();
        call.answer({DatabaseError{DatabaseError::Kind::unavailable, {}, error.what()}, false});
    } catch (const SqlError& error) {
        seconds_.observe(std::chrono::duration<double>(Clock::now() - started).count());
        settle(call, error);
    } catch (const std::exception& error) {  // ours: a callback threw
        log::error("query_failed",
                   {{"server", settings_.server}, {"statement", call.statement.spec().name}, {"error", error.what()}});
        call.permit.abandon();
        call.answer({DatabaseError{DatabaseError::Kind::rejected, "XX000", error.what()}, false});
    }
    if (session) sessions_.put(std::move(session));
    return ran;
}

Lane::Result Lane::run(Held& held, Call& call) {
    if (!call.statement.spec().read_only) return write(held, call);
    auto& session = connected(held, call.deadline.time(), call.again);
    const Running running{call, session};
    if (!wait_replayed(session, call)) throw Behind{};
    return session.read(call.query->statement.number(), call.statement, *call.query, call.deadline.time());
}

// A read that waits keeps a connection from the others, so no more than half of them may.
bool Lane::wait_replayed(Session& session, const Call& call) {
    if (!call.query->after) return true;
    const auto& position = *call.query->after;
    const auto limit = call.deadline.time() + Session::patience;
    if (session.has_reached(position, limit)) return true;
    const auto now = Clock::now();
    if (now.time_since_epoch().count() < no_waiting_until_.load(std::memory_order_relaxed)) return false;
    const auto until = std::min(now + replay_patience, call.deadline.time());
    const bool one_too_many = waiting_.fetch_add(1, std::memory_order_relaxed) >= (settings_.connections + 1) / 2;
    const std::shared_ptr<void> counted{nullptr, [this](void*) { waiting_.fetch_sub(1, std::memory_order_relaxed); }};
    if (one_too_many) return false;
    while (Clock::now() < until && !watchdog_.stopping()) {
        std::this_thread::sleep_for(ask_again);
        if (session.has_reached(position, limit)) return true;
    }
    no_waiting_until_.store((Clock::now() + wait_again_after).time_since_epoch().count(), std::memory_order_relaxed);
    return false;
}

// Whatever did not come to COMMIT has done nothing, so it may be done again.
Lane::Result Lane::write(Held& held, Call& call) {
    bool lost = false;
    for (unsigned next_try = 1;; ++next_try) {
        const bool last = next_try == (call.query->condition ? conditional_tries : transaction_tries);
        auto& session = connected(held, call.deadline.time(), lost);
        try {
            const Running running{call, session};
            auto written =
                session.write(call.query->statement.number(), call.statement, *call.query, call.shown, call.deadline.time());
            if (written.refused) return std::move(*written.refused);
            if (call.query->invalidates && !session.keeps_invalidations() && !told_of_missing_schema_.exchange(true)) {
                log::warning("invalidations_off",
                             {{"server", settings_.server},
                              {"reason", "no schema sluice, or no right to use it: run `sluice migrate`"}});
            }
            if (events_.invalidations) events_.invalidations(written.invalidations);
            return std::move(written.result);
        } catch (const SqlError& error) {
            if (is_read_only(error.sqlstate())) session.ensure_takes_writes(call.deadline.time() + Session::patience);
            if (last || !may_succeed_again(error, *call.query, next_try)) throw;
        } catch (const OutcomeUnknown&) {
            throw;
        } catch (const ConnectionLost&) {
            if (last || watchdog_.stopping() || std::exchange(lost, true)) throw;
        }
        if (call.deadline.passed(Clock::now()))
            throw SqlError{"the deadline passed before the transaction could succeed", "57014"};
        pause_before(next_try);
    }
}

void Lane::settle(Call& call, const SqlError& error) {
    const auto verdict = judge(error.sqlstate());
    if (verdict == Verdict::timed_out) {
        call.permit.abandon();  // it answers, so it is there; but that was no success either
    } else {
        call.permit.succeed();
    }
    // A standby gives up reads that hold up what it has to replay; another server has no such conflict.
    call.answer({to_database_error(error), verdict == Verdict::retry && call.statement.spec().read_only});
}

void Lane::lose(Held& session, Call& call, const ConnectionLost& error) {
    drop(session);
    const auto now = Clock::now();
    if (watchdog_.stopping()) {
        call.permit.abandon();
    } else {
        call.permit.fail(now);
    }
    const bool unknown = dynamic_cast<const OutcomeUnknown*>(&error) != nullptr;
    auto failure = unknown                     ? DatabaseError{DatabaseError::Kind::outcome_unknown, {}, error.what()}
                   : call.deadline.passed(now) ? timed_out(error.what())
                                               : to_database_error(error);
    call.answer({std::move(failure), !unknown});
}

}  // namespace sluice::postgres

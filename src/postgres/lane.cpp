#include "postgres/lane.hpp"

#include "runtime/random_bits.hpp"
#include "telemetry/log.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace sluice::postgres {
namespace {

constexpr unsigned queued_per_connection = 16;
constexpr Duration setup_limit = std::chrono::seconds{2};
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

Call::Call(const Statement& statement_, std::shared_ptr<const Query> query_, Deadline deadline_,
           policy::CircuitBreaker::Permit permit_, runtime::OneShot<Reply> reply)
    : statement{statement_},
      query{std::move(query_)},
      deadline{deadline_},
      permit{std::move(permit_)},
      reply_{std::move(reply)} {}

Call::~Call() {
    if (answered_) return;
    permit.abandon();
    reply_.set({DatabaseError{DatabaseError::Kind::unavailable, {}, "stopping"}, false});
}

void Call::abandon() {
    const std::lock_guard lock{mutex_};
    abandoned_ = true;
}

void Call::cancel(Connection& over, TimePoint limit) {
    const std::lock_guard lock{mutex_};
    if (!abandoned_ || !backend_) return;
    over.execute("select pg_cancel_backend(" + std::to_string(*backend_) + ")", limit);
}

bool Call::begin(int backend) {
    const std::lock_guard lock{mutex_};
    if (abandoned_) return false;
    if (backend != 0) backend_ = backend;
    return true;
}

void Call::end() {
    const std::lock_guard lock{mutex_};
    backend_.reset();
}

void Call::answer(Reply reply) {
    answered_ = true;
    reply_.set(std::move(reply));
}

Lane::Lane(Settings settings, Watchdog& watchdog, telemetry::Metrics& metrics, Events events)
    : settings_{std::move(settings)},
      watchdog_{watchdog},
      events_{std::move(events)},
      down_{metrics.db_connections(settings_.server, "down")},
      idle_{metrics.db_connections(settings_.server, "idle")},
      busy_{metrics.db_connections(settings_.server, "busy")},
      seconds_{metrics.db_query_seconds(settings_.server)},
      without_connection_{settings_.connections},
      workers_(settings_.connections) {
    down_.add(settings_.connections);
}

Lane::~Lane() { stop(); }

void Lane::start() {
    const std::lock_guard lock{mutex_};
    threads_ = std::make_shared<runtime::BlockingLane>(settings_.connections, settings_.connections * queued_per_connection);
}

void Lane::stop() {
    std::shared_ptr<runtime::BlockingLane> threads;
    {
        const std::lock_guard lock{mutex_};
        threads.swap(threads_);
    }
    if (!threads) return;
    // A caller may hold it for the moment of a submit; whoever is last joins, and only then the connections may go.
    while (threads.use_count() > 1) std::this_thread::yield();
    threads.reset();
    for (auto& worker : workers_) {
        worker.session.reset();
        enter(worker, State::down);
    }
}

bool Lane::submit(std::shared_ptr<Call> call) {
    std::shared_ptr<runtime::BlockingLane> threads;
    {
        const std::lock_guard lock{mutex_};
        threads = threads_;
    }
    if (!threads) return false;
    outstanding_.fetch_add(1, std::memory_order_relaxed);
    // The count goes down with the last copy of the job, whether it has run or was dropped.
    std::shared_ptr<void> counted{nullptr, [this](void*) { outstanding_.fetch_sub(1, std::memory_order_relaxed); }};
    return threads->try_submit([this, call = std::move(call), counted = std::move(counted)](std::size_t worker) {
        serve(workers_[worker], *call);
    });
}

void Lane::heal() {
    std::shared_ptr<runtime::BlockingLane> threads;
    {
        const std::lock_guard lock{mutex_};
        threads = threads_;
    }
    if (!threads || threads->queued() > 0) return;  // whoever has work connects anyhow
    for (auto missing = without_connection_.load(std::memory_order_relaxed); missing > 0; --missing) {
        const bool queued = threads->try_submit([this](std::size_t index) {
            auto& worker = workers_[index];
            try {
                connected(worker, TimePoint::max());
            } catch (const std::exception&) {
                // It was told already.
            }
        });
        if (!queued) return;
    }
}

Session& Lane::connected(Worker& worker, TimePoint limit) {
    if (worker.session && worker.session->usable()) return *worker.session;
    worker.session.reset();
    enter(worker, State::down);
    // Nobody's deadline is spent on a server that is known to be away; its monitor says when it is back.
    if (events_.away && events_.away()) throw ConnectionLost{"the server cannot be reached"};
    const auto now = Clock::now();
    if (now < worker.retry_at) throw ConnectionLost{"the server could not be reached a moment ago"};
    try {
        worker.session = std::make_unique<Session>(settings_.session, watchdog_, std::min(limit, now + setup_limit));
    } catch (const std::exception& error) {
        worker.retry_at = Clock::now() + worker.backoff.next(runtime::random_bits());
        throw ConnectionLost{error.what()};  // a server that refuses the session is as good as none
    }
    worker.backoff.reset();
    enter(worker, State::idle);
    return *worker.session;
}

void Lane::serve(Worker& worker, Call& call) {
    const auto started = Clock::now();
    if (call.deadline.passed(started)) {
        call.permit.abandon();
        call.answer({timed_out("the deadline passed in the queue"), false});
        return;
    }
    try {
        auto result = run(worker, call);
        call.permit.succeed();
        const auto took = Clock::now() - started;
        seconds_.observe(std::chrono::duration<double>(took).count());
        call.answer({std::move(result), false, false, took});
    } catch (const Behind&) {
        call.permit.succeed();
        call.answer({DatabaseError{DatabaseError::Kind::unavailable, {}, "the standby is behind"}, false, true});
    } catch (const ConnectionLost& error) {
        lose(worker, call, error);
    } catch (const SqlError& error) {
        seconds_.observe(std::chrono::duration<double>(Clock::now() - started).count());
        settle(worker, call, error);
    } catch (const std::exception& error) {  // ours: a callback threw
        log::error("query_failed",
                   {{"server", settings_.server}, {"statement", call.statement.spec().name}, {"error", error.what()}});
        call.permit.abandon();
        call.answer({DatabaseError{DatabaseError::Kind::rejected, "XX000", error.what()}, false});
    }
    if (worker.session) enter(worker, State::idle);
}

Lane::Result Lane::run(Worker& worker, Call& call) {
    if (!call.statement.spec().read_only) return write(worker, call);
    auto& session = connected(worker, call.deadline.time());
    enter(worker, State::busy);
    const Running running{call, session};
    if (!wait_replayed(session, call)) throw Behind{};
    return session.read(call.query->statement, call.statement, *call.query, call.deadline.time());
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
Lane::Result Lane::write(Worker& worker, Call& call) {
    for (unsigned next_try = 1;; ++next_try) {
        const bool last = next_try == (call.query->condition ? conditional_tries : transaction_tries);
        auto& session = connected(worker, call.deadline.time());
        enter(worker, State::busy);
        try {
            const Running running{call, session};
            auto written =
                session.write(call.query->statement, call.statement, *call.query, call.shown, call.deadline.time());
            if (written.refused) return std::move(*written.refused);
            if (call.query->invalidates && !session.keeps_invalidations() && !told_of_missing_schema_.exchange(true)) {
                log::warning("invalidations_off",
                             {{"server", settings_.server},
                              {"reason", "no schema sluice, or no right to use it: run `sluice migrate`"}});
            }
            if (events_.invalidations) events_.invalidations(written.invalidations);
            return std::move(written.result);
        } catch (const SqlError& error) {
            if (last || !may_succeed_again(error, *call.query, next_try)) throw;
        } catch (const OutcomeUnknown&) {
            throw;
        } catch (const ConnectionLost&) {
            if (next_try > 1 || watchdog_.stopping()) throw;
        }
        if (call.deadline.passed(Clock::now()))
            throw SqlError{"the deadline passed before the transaction could succeed", "57014"};
        pause_before(next_try);
    }
}

void Lane::settle(Worker& worker, Call& call, const SqlError& error) {
    const auto verdict = judge(error.sqlstate());
    const bool gone = verdict == Verdict::server_gone;
    if (gone) {
        worker.session.reset();
        enter(worker, State::down);
        call.permit.fail(Clock::now());
    } else if (verdict == Verdict::timed_out) {
        call.permit.abandon();  // it answers, so it is there; but that was no success either
    } else {
        call.permit.succeed();
    }
    // A standby gives up reads that hold up what it has to replay; another server has no such conflict.
    call.answer({to_database_error(error), gone || (verdict == Verdict::retry && call.statement.spec().read_only)});
}

void Lane::lose(Worker& worker, Call& call, const ConnectionLost& error) {
    worker.session.reset();
    enter(worker, State::down);
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

void Lane::enter(Worker& worker, State state) {
    if (worker.state == state) return;
    if (worker.state == State::down) without_connection_.fetch_sub(1, std::memory_order_relaxed);
    if (state == State::down) without_connection_.fetch_add(1, std::memory_order_relaxed);
    gauge(worker.state).add(-1);
    gauge(state).add(1);
    worker.state = state;
}

telemetry::Gauge& Lane::gauge(State state) { return state == State::down ? down_ : state == State::idle ? idle_ : busy_; }

}  // namespace sluice::postgres

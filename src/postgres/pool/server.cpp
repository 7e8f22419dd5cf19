#include "postgres/pool/server.hpp"

#include "postgres/connection/pooler.hpp"
#include "postgres/connection/read_statement.hpp"
#include "postgres/connection/server_identity.hpp"
#include "telemetry/log.hpp"

#include <limits>
#include <utility>

namespace sluice::postgres {
namespace {

using policy::CircuitBreaker;

constexpr Duration ask_every = std::chrono::milliseconds{250};
constexpr Duration answer_within = std::chrono::seconds{1};
constexpr double not_known = std::numeric_limits<double>::quiet_NaN();

// Null on a server that follows nobody.
const std::string where_replayed =
    "select case when pg_is_in_recovery() then (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::text end";

Session::Settings session_settings(const Server::Settings& settings, const KnownPrimary& known, CatalogWatch& catalog,
                                   const StatementTable& statements, bool read_only) {
    return {settings.url, read_only, settings.timeout, settings.primary, &known, &catalog, &statements};
}

}  // namespace

Server::Server(Settings settings, const KnownPrimary& known, const StatementTable& statements, std::vector<Executor> loops,
               telemetry::Metrics& metrics, Events events)
    : settings_{std::move(settings)},
      known_{known},
      statements_{statements},
      events_{std::move(events)},
      breaker_metrics_{metrics, settings_.name},
      lag_gauge_{settings_.primary ? telemetry::Gauge{} : metrics.replica_lag_seconds(settings_.name)},
      up_gauge_{metrics.dependency_up(settings_.name)},
      room_{settings_.name},
      breaker_{{},
               [this](CircuitBreaker::State to) {
                   breaker_metrics_.tell(to);
                   breaker_metrics_.show(breaker_.state(Clock::now()));
               }},
      readers_{Lane::Settings{settings_.name, session_settings(settings_, known, catalog_, statements, true),
                              settings_.readers, ConnectionRoom::User::workers, settings_.name + ":read"},
               watchdog_, room_, metrics, lane_events()},
      loop_readers_{
          {settings_.name, session_settings(settings_, known, catalog_, statements, true), settings_.readers_per_loop},
          std::move(loops),
          watchdog_,
          room_,
          metrics,
          {lane_events().away, lane_events().made,
           [this] { return readers_.outstanding() < std::size_t{2} * settings_.readers; }}} {
    if (settings_.writers > 0) {
        Lane::Settings lane{settings_.name, session_settings(settings_, known, catalog_, statements, false),
                            settings_.writers, ConnectionRoom::User::writers, settings_.name + ":write"};
        writers_ = std::make_unique<Lane>(std::move(lane), watchdog_, room_, metrics, lane_events());
    }
    up_gauge_.set(not_known);
}

// A session that was made tells that the server is there before the monitor's next look does.
Lane::Events Server::lane_events() {
    return {[this] { return presence() == Presence::away; }, [this] { breaker_.probe_now(Clock::now()); },
            events_.invalidations};
}

Server::~Server() { stop(); }

void Server::start() {
    readers_.start();
    if (writers_) writers_->start();
    loop_readers_.start();
    monitor_ = std::jthread{[this](const std::stop_token& stop) { monitor(stop); }};
}

void Server::stop() {
    watchdog_.stop();
    monitor_.request_stop();
    if (monitor_.joinable()) monitor_.join();
    loop_readers_.stop();
    readers_.stop();
    if (writers_) writers_->stop();
}

bool Server::submit(std::shared_ptr<Call> call) {
    auto& lane = call->statement.spec().read_only || !writers_ ? readers_ : *writers_;
    return lane.submit(std::move(call));
}

void Server::abandon(std::shared_ptr<Call> call) {
    call->abandon();
    readers_.forget(*call);
    if (writers_) writers_->forget(*call);
    const std::lock_guard lock{mutex_};
    abandoned_.push_back(std::move(call));
    tick_.notify_one();
}

// By the monitor, right after the server has answered it: so it does not hang, and the question is over soon.
void Server::cancel_abandoned(Connection& connection) {
    std::vector<std::shared_ptr<Call>> calls;
    {
        const std::lock_guard lock{mutex_};
        calls.swap(abandoned_);
    }
    for (const auto& call : calls) call->cancel(connection, Clock::now() + answer_within);
}

std::optional<Duration> Server::lag() const noexcept {
    const auto lag = lag_.load(std::memory_order_relaxed);
    return lag == unknown_lag ? std::nullopt : std::optional{Duration{lag}};
}

void Server::monitor(const std::stop_token& stop) {
    std::unique_ptr<Connection> connection;
    while (!stop.stop_requested() && !watchdog_.stopping()) {
        try {
            review_statements();
            ask(connection);
            came_back();
            look_around(connection);
            probe_breaker();
            readers_.heal();
            if (writers_) writers_->heal();
            loop_readers_.heal();
        } catch (const std::exception& error) {
            connection.reset();
            const bool no_room = says_no_room(error);
            if (no_room) make_room(error.what());
            // It has no room for the monitor, but serves those that it has.
            const bool works = no_room && room_.any();
            if (!works && !watchdog_.stopping()) went_away(error.what());
            sweep();
            const std::lock_guard lock{mutex_};
            abandoned_.clear();  // their statements end by their timeouts
        }
        breaker_metrics_.show(breaker_.state(Clock::now()));
        std::unique_lock lock{mutex_};
        tick_.wait_for(lock, stop, ask_every, [this] { return !abandoned_.empty(); });
    }
}

void Server::review_statements() {
    const auto changes = statements_.changes();
    if (std::exchange(statements_seen_, changes) == changes) return;
    if (!is_behind_pooler(settings_.url)) catalog_.watch(statements_.names());  // there no text outlives its transaction
    const auto known = statements_.numbers();
    readers_.keep(known);
    if (writers_) writers_->keep(known);
}

void Server::ask(std::unique_ptr<Connection>& connection) {
    const auto limit = Clock::now() + answer_within;
    if (connection) {
        try {
            return ask_who_it_is(*connection, limit);
        } catch (const std::exception&) {
            connection.reset();  // it may be this session alone that was ended: only a new one tells of the server
        }
    }
    connection = std::make_unique<Connection>(settings_.url, watchdog_, limit);
    catalog_.start_over();
    ask_who_it_is(*connection, limit);
}

// The server has just answered. A session that is lost over this, as one that somebody ended or that waited in vain for a
// lock on the catalog, says nothing of it: it is asked once more.
void Server::look_around(std::unique_ptr<Connection>& connection) {
    try {
        cancel_abandoned(*connection);
        look_at_catalog(*connection);
    } catch (const ConnectionLost&) {
        connection.reset();
        ask(connection);
    }
}

void Server::ask_who_it_is(Connection& connection, TimePoint limit) {
    const auto identity = ask_identity(connection, limit);
    if (settings_.primary) {
        if (identity.standby) throw ConnectionLost{"it is a standby, not the primary"};
        const auto rows = connection.execute("select current_setting('transaction_read_only') = 'off'", limit);
        return take_whether_it_writes(rows.at(0).at(0) == "t");
    }
    {
        const std::lock_guard lock{identity_mutex_};
        identity_ = identity;
    }
    review_standing();
    const auto rows = connection.execute(where_replayed, limit);
    take_lag(identity, number<std::uint64_t>(rows.at(0).at(0)));
}

void Server::review_standing() {
    const std::lock_guard lock{identity_mutex_};
    if (!identity_ || settings_.primary) return;
    const auto standing = known_.standing_of(*identity_);
    const auto before = standing_.exchange(standing);
    if (is_replica(before) == is_replica(standing)) return;
    const auto level = is_replica(standing) ? log::Level::info : log::Level::warning;
    log::write(level, is_replica(standing) ? "replica_taken_back" : "replica_left_out",
               {{"server", settings_.name}, {"reason", to_string(standing)}});
}

void Server::take_lag(const ServerIdentity& identity, std::uint64_t replayed) {
    std::optional<Duration> behind;
    const auto standing = standing_.load(std::memory_order_relaxed);
    if (standing == Standing::primary || (standing == Standing::unknown && !identity.standby)) behind = Duration::zero();
    if (identity.standby && is_replica(standing) && replayed > 0) behind = known_.behind(replayed);
    lag_.store(behind ? behind->count() : unknown_lag, std::memory_order_relaxed);
    lag_gauge_.set(behind ? std::chrono::duration<double>(*behind).count() : not_known);
}

// A server that answers all but this is well, and its statements are right as long as no table changes.
void Server::look_at_catalog(Connection& connection) {
    const auto now = Clock::now();
    try {
        catalog_.look(connection, now, now + answer_within);
        told_of_catalog_ = false;
    } catch (const SqlError& error) {
        if (std::exchange(told_of_catalog_, true)) return;
        log::warning("catalog_not_read", {{"server", settings_.name}, {"reason", error.what()}});
    }
}

void Server::take_whether_it_writes(bool writes) {
    if (takes_writes_.exchange(writes) == writes) return;
    if (writes) return log::info("primary_takes_writes", {{"server", settings_.name}});
    log::warning("primary_read_only", {{"server", settings_.name}, {"reason", TakesNoWrites{}.what()}});
}

void Server::sweep() {
    readers_.sweep();
    if (writers_) writers_->sweep();
}

void Server::came_back() {
    up_gauge_.set(1);
    if (presence_.exchange(Presence::answers) == Presence::answers) return;
    log::info("server_reachable", {{"server", settings_.name}});
    breaker_.probe_now(Clock::now());
}

void Server::went_away(std::string_view reason) {
    lag_gauge_.set(not_known);
    up_gauge_.set(0);
    // A frozen server would keep its readers until their deadlines, though another could answer them; and while it stays
    // away the next ones are not sent to it. What a primary was asked may be a write, whose outcome is worth waiting for.
    if (!settings_.primary) watchdog_.interrupt();
    if (presence_.exchange(Presence::away) == Presence::away) return;
    log::warning("server_unreachable", {{"server", settings_.name}, {"reason", reason}});
}

// With no traffic a breaker would stay half-open for ever, and health would call a good server bad.
void Server::probe_breaker() {
    const auto now = Clock::now();
    if (breaker_.state(now) != CircuitBreaker::State::half_open) return;
    if (auto permit = breaker_.try_acquire(now)) permit->succeed();
}

}  // namespace sluice::postgres

// One PostgreSQL server as the pool sees it: its lanes, its circuit breaker, whether it answers and how far it lags.
// Hides the thread that keeps asking.
#pragma once

#include "postgres/pipeline/loop_readers.hpp"
#include "postgres/workers/lane.hpp"
#include "postgres/workers/statement_table.hpp"
#include "telemetry/breaker_metrics.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace sluice::postgres {

class Server {
public:
    struct Settings {
        std::string name;  ///< `primary`, `replica-1`, …
        std::string url;
        bool primary = false;
        unsigned weight = 1;
        unsigned readers = 1;                        ///< read-only connections of workers
        unsigned readers_per_loop = 0;               ///< and of each event loop, pipelined
        unsigned writers = 0;                        ///< the primary's others
        Duration timeout = std::chrono::seconds{5};  ///< the longest a statement may run
    };
    struct Events {
        std::function<void(const std::vector<policy::Invalidation>&)> invalidations;
    };
    enum class Presence {
        unknown,  // not asked yet
        answers,  // takes connections and answered the last question in time
        away,     // refuses connections, or did not answer
    };

    /// `known`: what polls say of the primary. Both outlive it.
    Server(Settings settings, const KnownPrimary& known, const StatementTable& statements, std::vector<Executor> loops,
           telemetry::Metrics& metrics, Events events);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    void start();
    /// Fails what is queued or runs as `unavailable` and joins the threads, promptly even while the server hangs.
    /// Idempotent.
    void stop();

    /// To the lane that the statement asks for. False: overloaded, or stopped.
    bool submit(std::shared_ptr<Call> call);

    /// Pipelined connections, for quick reads.
    LoopReaders& loop_readers() noexcept { return loop_readers_; }

    /// Nobody waits for the call any more: if it runs, the server is asked to end it, unless it hangs.
    void abandon(std::shared_ptr<Call> call);

    const std::string& name() const noexcept { return settings_.name; }
    bool primary() const noexcept { return settings_.primary; }
    unsigned weight() const noexcept { return settings_.weight; }
    policy::CircuitBreaker& breaker() noexcept { return breaker_; }
    const policy::CircuitBreaker& breaker() const noexcept { return breaker_; }
    Presence presence() const noexcept { return presence_.load(std::memory_order_relaxed); }
    /// Of a primary: whether it refuses writes, as of the monitor's last question.
    bool takes_writes() const noexcept { return takes_writes_.load(std::memory_order_relaxed); }
    /// Somebody beside the pool was refused a connection: one of the pool's is to be given up, if it has several.
    void make_room(const char* reason) { room_.refused(ConnectionRoom::User::other, reason); }
    std::size_t outstanding_reads() const noexcept { return readers_.outstanding() + loop_readers_.outstanding(); }
    /// Nothing: not known, or further behind than is remembered.
    std::optional<Duration> lag() const noexcept;
    /// What it is to the primary, as of the monitor's last question.
    Standing standing() const noexcept { return standing_.load(std::memory_order_relaxed); }
    /// The primary is another one, or is known at last.
    void review_standing();

private:
    void monitor(const std::stop_token& stop);
    void review_statements();
    void ask(std::unique_ptr<Connection>& connection);
    void ask_who_it_is(Connection& connection, TimePoint limit);
    void look_around(std::unique_ptr<Connection>& connection);
    void look_at_catalog(Connection& connection);
    void take_lag(const ServerIdentity& identity, std::uint64_t replayed);
    void take_whether_it_writes(bool writes);
    void sweep();
    Lane::Events lane_events();
    void came_back();
    void went_away(std::string_view reason);
    void probe_breaker();
    void cancel_abandoned(Connection& connection);

    static constexpr Duration::rep unknown_lag = -1;

    const Settings settings_;
    const KnownPrimary& known_;
    const StatementTable& statements_;
    Watchdog watchdog_;
    const Events events_;
    const telemetry::BreakerMetrics breaker_metrics_;
    const telemetry::Gauge lag_gauge_;
    const telemetry::Gauge up_gauge_;
    CatalogWatch catalog_;  // before the lanes, whose sessions use it
    ConnectionRoom room_;   // likewise
    std::atomic<Presence> presence_{Presence::unknown};
    std::atomic<bool> takes_writes_{true};
    std::atomic<Standing> standing_{Standing::unknown};
    std::atomic<Duration::rep> lag_{unknown_lag};
    policy::CircuitBreaker breaker_;  // before the lanes, whose calls hold its permits
    Lane readers_;
    std::unique_ptr<Lane> writers_;
    LoopReaders loop_readers_;
    std::mutex identity_mutex_;
    std::optional<ServerIdentity> identity_;  // as the monitor last heard
    bool told_of_catalog_ = false;            // the monitor's
    std::uint64_t statements_seen_ = 0;       // the monitor's: as of which change
    std::mutex mutex_;                        // guards the abandoned
    std::vector<std::shared_ptr<Call>> abandoned_;
    std::condition_variable_any tick_;
    std::jthread monitor_;  // last: joined before what it asks for goes
};

}  // namespace sluice::postgres

// Redis for the whole server: a connection on every loop behind one circuit breaker. Hides which connection a command takes,
// when calling is pointless, and how Redis is found to be back.
#pragma once

#include "policy/circuit_breaker.hpp"
#include "redis/connection.hpp"
#include "redis/key_space.hpp"
#include "redis/reply.hpp"
#include "runtime/event_loops.hpp"
#include "sluice/settings.hpp"
#include "telemetry/breaker_metrics.hpp"
#include "telemetry/metrics.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::redis {

/// Counts the commands that were sent, by how they ended. Cheap to copy.
class CommandCounter {
public:
    explicit CommandCounter(telemetry::Metrics& metrics);
    void count(const Reply& reply, std::size_t commands = 1) const noexcept;

private:
    telemetry::Counter ok_;
    telemetry::Counter error_;
    telemetry::Counter timeout_;
    telemetry::Counter unavailable_;
};

/// A command never waits for a connection: while Redis is away the answer is `unavailable` at once. Timeouts, lost
/// connections and failed attempts to connect count against the breaker; error replies do not, nor does a caller whose own
/// deadline is shorter than Redis' timeout. While the breaker is not closed nothing is sent but the PINGs with which a
/// watcher on the background loop closes it again, once every loop's connection is up.
class Client {
public:
    /// Throws std::invalid_argument if the URL is wrong. `loops` and `metrics` must outlive it.
    Client(runtime::EventLoops& loops, const RedisSettings& settings, telemetry::Metrics& metrics);
    /// Stops first if needed. Nothing on the loops may call it any more.
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Starts to connect and returns; an unreachable Redis is no error. Before or after the loops were started.
    void start();
    /// Every command under way ends as unavailable. Not from a loop; while the loops still run. Idempotent, for good.
    void stop();

    /// On the connection of the loop this runs on: a serving loop of `loops`, or else the background loop.
    awaitable<Reply> command(Command command, Deadline deadline);
    /// Several at once, as Connection::pipeline.
    awaitable<Reply> pipeline(std::span<const Command> commands, Deadline deadline);

    /// Whether Redis answers as far as is known: every connection is up and the breaker is closed. From any thread; cheap.
    bool available() const;

    const std::shared_ptr<Connection>& background_connection() const noexcept { return connections_.back(); }
    /// Whose names keys, channels and scripts' keys have.
    KeySpace& keys() noexcept { return keys_; }
    const CommandCounter& counter() const noexcept { return counter_; }
    runtime::EventLoops& loops() noexcept { return loops_; }

private:
    struct Watch;
    Connection& here() const;
    Executor executor_of(std::size_t connection) const;
    bool all_up() const noexcept;
    void on_connection(bool up, std::string_view problem);
    void on_transition(policy::CircuitBreaker::State to);
    awaitable<void> watch(std::shared_ptr<Watch> watch);
    awaitable<void> probe(const Watch& watch);

    runtime::EventLoops& loops_;
    std::string server_;  // for the log
    KeySpace keys_;
    const Duration timeout_;
    const CommandCounter counter_;
    const telemetry::BreakerMetrics breaker_metrics_;
    std::mutex mutex_;                // guards the gauge and what follows
    bool connected_ = false;          // all connections are up, and the log knows
    std::set<std::string> reported_;  // problems logged since all connections were up
    policy::CircuitBreaker breaker_;
    std::vector<std::shared_ptr<Connection>> connections_;  // by loop, the background loop's last
    std::shared_ptr<Watch> watch_;                          // on the background loop
    std::atomic<bool> started_{false};
    std::atomic<bool> stopped_{false};
};

}  // namespace sluice::redis

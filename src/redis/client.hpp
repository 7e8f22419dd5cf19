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
#include "telemetry/throttle.hpp"

#include <atomic>
#include <cstddef>
#include <functional>
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

/// What a command does to Redis' data.
enum class Access {
    read,   // nothing: goes on while Redis refuses writes
    write,  // or may
};

/// A command never waits for a connection: while Redis is away the answer is `unavailable` at once. Timeouts, lost
/// connections and failed attempts to connect count against the breaker, nor does a caller whose own deadline is shorter
/// than Redis' timeout. While the breaker is not closed nothing is sent but the trials with which a watcher on the
/// background loop closes it again, once every loop's connection is up. A trial is a small script that writes and reads:
/// what is needed.
///
/// An error reply is the command's own business, and no failure, unless it says that this server is of no use or the wrong
/// one (see Refusal): then Redis counts as away, and every connection is made anew, its name resolved anew, until a trial
/// succeeds. Where only writes are refused, reads go on and writes are `unavailable` at once until a trial succeeds.
class Client {
public:
    /// Throws std::invalid_argument if the URL is wrong. `loops` and `metrics` must outlive it.
    Client(runtime::EventLoops& loops, const RedisSettings& settings, telemetry::Metrics& metrics);
    /// Other connections, with a breaker of their own, for the copies of the cache: nothing waits behind a large one but
    /// another copy. To `cache_url` if there is one. Names are those of `of`.
    static std::unique_ptr<Client> for_copies(Client& of, const RedisSettings& settings);

    /// Called on a loop each time all connections are up after a server was refused: other connections should be made anew,
    /// too. Before `start`.
    void on_another_server(std::function<void()> call) { on_another_server_ = std::move(call); }

    /// Stops first if needed. Nothing on the loops may call it any more.
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Starts to connect and returns; an unreachable Redis is no error. Before or after the loops were started.
    void start();
    /// Every command under way ends as unavailable. Not from a loop; while the loops still run. Idempotent, for good.
    void stop();

    /// On the connection of the loop this runs on: a serving loop of `loops`, or else the background loop.
    awaitable<Reply> command(Command command, Deadline deadline, Access access = Access::write);
    /// Several at once, as Connection::pipeline.
    awaitable<Reply> pipeline(std::span<const Command> commands, Deadline deadline, Access access = Access::write);

    /// Whether Redis answers as far as is known: every connection is up and the breaker is closed. From any thread; cheap.
    bool available() const;
    /// `ok`, `unreachable`, or `refused: CODE`, `writes refused: CODE`, with Redis' code. From any thread.
    std::string state() const;

    const std::shared_ptr<Connection>& background_connection() const noexcept { return connections_.back(); }
    /// Whose names keys, channels and scripts' keys have.
    KeySpace& keys() noexcept { return *keys_; }
    const CommandCounter& counter() const noexcept { return counter_; }
    runtime::EventLoops& loops() noexcept { return loops_; }

private:
    Client(runtime::EventLoops& loops, telemetry::Metrics& metrics, std::string name, const std::string& url,
           Duration timeout, std::shared_ptr<KeySpace> keys);
    struct Watch;
    Connection& here() const;
    Executor executor_of(std::size_t connection) const;
    bool all_up() const noexcept;
    void on_connection(bool up, std::string_view problem);
    bool judge(const Reply& reply, std::span<const Command> commands);
    bool judge(std::string_view error, std::string_view verb);
    void refused(std::string_view reason, std::string_view error);
    void writes_refused(std::string_view reason, std::string_view error);
    void writes_taken();
    void on_transition(policy::CircuitBreaker::State to);
    awaitable<void> watch(std::shared_ptr<Watch> watch);
    awaitable<void> probe(const Watch& watch);
    awaitable<bool> trial();

    runtime::EventLoops& loops_;
    telemetry::Metrics& metrics_;
    const std::string name_;  // for log and metrics
    std::string server_;      // for the log
    const std::shared_ptr<KeySpace> keys_;
    const std::string trial_key_;
    const Duration timeout_;
    const CommandCounter counter_;
    const telemetry::BreakerMetrics breaker_metrics_;
    mutable std::mutex mutex_;        // guards the gauge and what follows
    bool connected_ = false;          // all connections are up, and the log knows
    std::set<std::string> reported_;  // problems logged since all connections were up
    std::string_view reason_;         // why the last connection was refused; empty: it was not, or could not be made
    bool was_refused_ = false;        // since all connections were up
    bool login_refused_ = false;      // by the login itself; the log has just said so
    std::string_view no_writes_;      // why writes are refused
    log::Throttle no_writes_log_{std::chrono::seconds{10}};
    bool no_writes_logged_ = false;
    std::atomic<bool> refuses_writes_{false};  // there is a reason
    std::atomic<bool> doubtful_{false};        // the watcher should try
    std::atomic<unsigned> errors_in_a_row_{0};
    std::function<void()> on_another_server_;
    policy::CircuitBreaker breaker_;
    std::vector<std::shared_ptr<Connection>> connections_;  // by loop, the background loop's last
    std::shared_ptr<Watch> watch_;                          // on the background loop
    std::atomic<bool> started_{false};
    std::atomic<bool> stopped_{false};
};

}  // namespace sluice::redis

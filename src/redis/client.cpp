#include "redis/client.hpp"

#include "runtime/on_loops.hpp"
#include "telemetry/log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

namespace sluice::redis {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using State = policy::CircuitBreaker::State;

/// Redis sits on every request's path and does without being missed, so it is tried again soon; a probe is one PING.
constexpr policy::CircuitBreaker::Settings breaker_settings{.failures = 5, .reset = 1s, .probes = 3};
constexpr Duration watch_interval = 250ms;
constexpr std::size_t most_reported = 16;  // different problems logged in one outage

}  // namespace

CommandCounter::CommandCounter(telemetry::Metrics& metrics)
    : ok_{metrics.redis_commands("ok")},
      error_{metrics.redis_commands("error")},
      timeout_{metrics.redis_commands("timeout")},
      unavailable_{metrics.redis_commands("unavailable")} {}

void CommandCounter::count(const Reply& reply, std::size_t commands) const noexcept {
    if (!reply.sent) return;
    const auto amount = static_cast<double>(commands);
    switch (reply.status) {
        case Status::ok:
            return ok_.add(amount);
        case Status::error:
            return error_.add(amount);
        case Status::timed_out:
            return timeout_.add(amount);
        case Status::unavailable:
            return unavailable_.add(amount);
    }
}

/// What the watcher needs to see that the client is gone.
struct Client::Watch {
    explicit Watch(Executor executor) : timer{executor} {}
    runtime::Timer timer;
    bool stopped = false;
};

Client::Client(runtime::EventLoops& loops, const RedisSettings& settings, telemetry::Metrics& metrics)
    : loops_{loops},
      keys_{settings.prefix},
      timeout_{settings.timeout},
      counter_{metrics},
      breaker_metrics_{metrics, "redis"},
      breaker_{breaker_settings, [this](State to) { on_transition(to); }} {
    const Address address = parse_url(settings.url);
    server_ = to_string(address);
    const Connection::Listener listener = [this](bool up, std::string_view problem) { on_connection(up, problem); };
    for (std::size_t i = 0; i <= loops_.size(); ++i) {
        connections_.push_back(std::make_shared<Connection>(
            executor_of(i), Connection::Settings{.address = address, .timeout = timeout_}, listener));
    }
    watch_ = std::make_shared<Watch>(loops_.background().executor());
}

Client::~Client() { stop(); }

void Client::start() {
    if (started_.exchange(true)) return;
    for (std::size_t i = 0; i < connections_.size(); ++i) {
        asio::post(executor_of(i), [connection = connections_[i]] { connection->start(); });
    }
    const auto escalate = [](std::exception_ptr error) {
        if (error) std::rethrow_exception(error);
    };
    asio::co_spawn(loops_.background().executor(), watch(watch_), escalate);
}

void Client::stop() {
    if (!started_ || stopped_.exchange(true)) return;
    std::vector<runtime::LoopTask> tasks;
    tasks.push_back({loops_.background().executor(), [watch = watch_] {
                         watch->stopped = true;
                         watch->timer.cancel();
                     }});
    for (std::size_t i = 0; i < connections_.size(); ++i) {
        tasks.push_back({executor_of(i), [connection = connections_[i]] { connection->stop(); }});
    }
    runtime::run_on_loops(std::move(tasks));
}

awaitable<Reply> Client::command(Command command, Deadline deadline) {
    co_return co_await pipeline({&command, 1}, deadline);
}

awaitable<Reply> Client::pipeline(std::span<const Command> commands, Deadline deadline) {
    Connection& connection = here();
    const auto now = Clock::now();
    // Half-open is the watcher's business: only it knows that every loop could be served again.
    if (!connection.up() || breaker_.state(now) != State::closed) co_return Reply{};
    auto permit = breaker_.try_acquire(now);
    if (!permit) co_return Reply{};
    Reply reply = co_await connection.pipeline(commands, deadline);
    counter_.count(reply, commands.size());
    const bool our_impatience = reply.status == Status::timed_out && deadline.time() < now + timeout_;
    if (!reply.sent || our_impatience) {
        permit->abandon();
    } else if (reply.status == Status::ok || reply.status == Status::error) {
        permit->succeed();
    } else {
        permit->fail(Clock::now());
    }
    co_return reply;
}

bool Client::available() const { return all_up() && breaker_.state(Clock::now()) == State::closed; }

Connection& Client::here() const {
    const auto loop = runtime::EventLoops::current();
    return loop < loops_.size() ? *connections_[loop] : *connections_.back();
}

Executor Client::executor_of(std::size_t connection) const {
    return connection < loops_.size() ? loops_.serving(connection).executor() : loops_.background().executor();
}

bool Client::all_up() const noexcept {
    return std::all_of(connections_.begin(), connections_.end(), [](const auto& connection) { return connection->up(); });
}

void Client::on_connection(bool up, std::string_view problem) {
    if (!up && breaker_.state(Clock::now()) == State::closed) {
        if (auto permit = breaker_.try_acquire(Clock::now())) permit->fail(Clock::now());
    }
    const std::lock_guard lock{mutex_};
    if (up) {
        if (!all_up() || connected_) return;
        connected_ = true;
        reported_.clear();
        log::info("redis_connected", {{"server", server_}});
    } else {
        connected_ = false;
        if (reported_.size() >= most_reported || !reported_.emplace(problem).second) return;
        log::warning("redis_unavailable", {{"server", server_}, {"problem", problem}});
    }
}

void Client::on_transition(State to) {
    breaker_metrics_.count(to);
    log::write(to == State::open ? log::Level::warning : log::Level::info, "breaker",
               {{"dependency", "redis"}, {"state", to_string(to)}});
    const std::lock_guard lock{mutex_};  // two threads may tell in either order; the last one here reads what holds
    breaker_metrics_.show(breaker_.state(Clock::now()));
}

awaitable<void> Client::watch(std::shared_ptr<Watch> watch) {
    while (!watch->stopped) {
        watch->timer.expires_after(watch_interval);
        boost::system::error_code cancelled;
        co_await watch->timer.async_wait(asio::redirect_error(use_awaitable, cancelled));
        if (watch->stopped) break;  // and *this may be gone
        if (breaker_.state(Clock::now()) != State::closed && all_up()) co_await probe(*watch);
    }
}

/// PINGs until the breaker is closed, open, or not to be tried yet.
awaitable<void> Client::probe(const Watch& watch) {
    constexpr std::array<std::string_view, 1> ping{"PING"};
    while (!watch.stopped && breaker_.state(Clock::now()) != State::closed) {
        auto permit = breaker_.try_acquire(Clock::now());
        if (!permit) co_return;
        const Reply reply = co_await background_connection()->command(ping, Deadline::never());
        counter_.count(reply);
        if (reply.status != Status::ok) {
            permit->fail(Clock::now());
            co_return;
        }
        permit->succeed();
    }
}

}  // namespace sluice::redis

#include "redis/client.hpp"

#include "redis/refusal.hpp"
#include "redis/trial.hpp"
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

/// Redis sits on every request's path and does without being missed, so it is tried again soon; a probe is one small script.
constexpr policy::CircuitBreaker::Settings breaker_settings{.failures = 5, .reset = 1s, .probes = 3};
constexpr Duration watch_interval = 250ms;
constexpr std::size_t most_reported = 16;  // different problems logged in one outage
/// So many errors without a success between them, whatever they say, are worth a trial.
constexpr unsigned doubtful_errors = 20;

/// The role may change while nobody asks for anything, and a replica may take writes.
constexpr unsigned looks_per_trial = 20;

/// Of an error for which there is no code of its own.
constexpr std::string_view unnamed = "ERROR";

/// Without the script it came from, so that the same error is the same text.
std::string_view without_script(std::string_view error) { return error.substr(0, error.find(" script: ")); }

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
    : Client{loops, metrics, "redis", settings.url, settings.timeout, std::make_shared<KeySpace>(settings.prefix)} {}

std::unique_ptr<Client> Client::for_copies(Client& of, const RedisSettings& settings) {
    const auto& url = settings.cache_url.empty() ? settings.url : settings.cache_url;
    return std::unique_ptr<Client>{
        new Client{of.loops_, of.metrics_, "redis-cache", url, settings.timeout, of.keys_}};  // its constructor is private
}

Client::Client(runtime::EventLoops& loops, telemetry::Metrics& metrics, std::string name, const std::string& url,
               Duration timeout, std::shared_ptr<KeySpace> keys)
    : loops_{loops},
      metrics_{metrics},
      name_{std::move(name)},
      keys_{std::move(keys)},
      trial_key_{keys_->common() + "trial"},
      timeout_{timeout},
      counter_{metrics},
      breaker_metrics_{metrics, name_},
      breaker_{breaker_settings, [this](State to) { on_transition(to); }} {
    const Address address = parse_url(url);
    server_ = to_string(address);
    const Connection::Listener listener = [this](bool up, std::string_view problem) { on_connection(up, problem); };
    for (std::size_t i = 0; i <= loops_.size(); ++i) {
        connections_.push_back(std::make_shared<Connection>(
            executor_of(i), Connection::Settings{.address = address, .timeout = timeout_, .trial = trial_text(trial_key_)},
            listener));
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

awaitable<Reply> Client::command(Command command, Deadline deadline, Access access) {
    co_return co_await pipeline({&command, 1}, deadline, access);
}

awaitable<Reply> Client::pipeline(std::span<const Command> commands, Deadline deadline, Access access) {
    Connection& connection = here();
    const auto now = Clock::now();
    // Half-open is the watcher's business: only it knows that every loop could be served again.
    if (!connection.up() || breaker_.state(now) != State::closed) co_return Reply{};
    if (access == Access::write && refuses_writes_.load(std::memory_order_relaxed)) co_return Reply{};
    auto permit = breaker_.try_acquire(now);
    if (!permit) co_return Reply{};
    Reply reply = co_await connection.pipeline(commands, deadline);
    counter_.count(reply, commands.size());
    const bool our_impatience = reply.status == Status::timed_out && deadline.time() < now + timeout_;
    if (!reply.sent || our_impatience) {
        permit->abandon();
    } else if ((reply.status == Status::ok || reply.status == Status::error) && judge(reply, commands)) {
        permit->succeed();
    } else {
        permit->fail(Clock::now());
    }
    co_return reply;
}

// Whether this server is of use.
bool Client::judge(const Reply& reply, std::span<const Command> commands) {
    if (reply.value.kind == Value::Kind::error) return judge(reply.value.text, commands.front().front());
    bool useful = true;
    bool errors = false;
    if (commands.size() > 1) {
        for (std::size_t i = 0; i < commands.size(); ++i) {
            const auto& element = reply.value.elements[i];
            if (element.kind != Value::Kind::error) continue;
            errors = true;
            useful = judge(element.text, commands[i].front()) && useful;
        }
    }
    if (!errors && errors_in_a_row_.load(std::memory_order_relaxed) != 0)
        errors_in_a_row_.store(0, std::memory_order_relaxed);
    return useful;
}

bool Client::judge(std::string_view error, std::string_view verb) {
    const auto refusal = judge_error(error, verb);
    switch (refusal.kind) {
        case Refusal::Kind::command:
            if (!error.starts_with("NOSCRIPT") &&
                errors_in_a_row_.fetch_add(1, std::memory_order_relaxed) + 1 >= doubtful_errors) {
                errors_in_a_row_.store(0, std::memory_order_relaxed);
                doubtful_.store(true, std::memory_order_relaxed);
            }
            return true;
        case Refusal::Kind::doubtful:
            metrics_.redis_refusals(refusal.reason).add();
            doubtful_.store(true, std::memory_order_relaxed);
            return true;
        case Refusal::Kind::writes:
            writes_refused(refusal.reason, error);
            return true;
        case Refusal::Kind::server:
            refused(refusal.reason, error);
            return false;
    }
    return true;
}

// Every connection leads to a server that has this to say, or to the one before it.
void Client::refused(std::string_view reason, std::string_view error) {
    metrics_.redis_refusals(reason).add();
    {
        const std::lock_guard lock{mutex_};
        reason_ = reason;
        was_refused_ = true;
        login_refused_ = false;
    }
    const auto now = Clock::now();
    for (std::size_t i = 0; i < connections_.size(); ++i) {
        asio::post(executor_of(i),
                   [connection = connections_[i], now, problem = "refused: " + std::string{without_script(error)}] {
                       connection->drop(problem, now);
                   });
    }
}

void Client::writes_refused(std::string_view reason, std::string_view error) {
    metrics_.redis_refusals(reason).add();
    const std::lock_guard lock{mutex_};
    if (no_writes_ == reason) return;
    no_writes_ = reason;
    refuses_writes_.store(true, std::memory_order_relaxed);
    if (!no_writes_log_.pass(Clock::now())) return;
    no_writes_logged_ = true;
    log::warning("redis_refuses_writes", {{"server", server_},
                                          {"reason", reason},
                                          {"problem", without_script(error)},
                                          {"effect", "limits are local shares, nothing new is kept there"},
                                          {"dependency", name_}});
}

void Client::writes_taken() {
    if (!refuses_writes_.exchange(false, std::memory_order_relaxed)) return;
    const std::lock_guard lock{mutex_};
    no_writes_ = {};
    if (std::exchange(no_writes_logged_, false))
        log::info("redis_takes_writes", {{"server", server_}, {"dependency", name_}});
}

std::string Client::state() const {
    const bool up = available();
    const std::lock_guard lock{mutex_};
    if (!up) return reason_.empty() ? "unreachable" : "refused: " + std::string{reason_};
    return no_writes_.empty() ? "ok" : "writes refused: " + std::string{no_writes_};
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
    constexpr std::string_view mark = "refused: ";  // also of a login
    const auto said = problem.find(mark);
    const auto error = said == problem.npos ? std::string_view{} : problem.substr(said + mark.size());
    const auto refusal = judge_error(error, "EVAL");
    if (up && !problem.empty()) writes_refused(refusal.reason, error);
    bool another = false;
    {
        const std::lock_guard lock{mutex_};
        if (up) {
            if (!all_up() || connected_) return;
            connected_ = true;
            reported_.clear();
            reason_ = {};
            another = std::exchange(was_refused_, false);
            log::info("redis_connected", {{"server", server_}, {"dependency", name_}});
        } else {
            connected_ = false;
            reason_ = {};
            login_refused_ = problem.starts_with("login ");
            if (said != problem.npos && said > 0)
                metrics_.redis_refusals(refusal.reason.empty() ? unnamed : refusal.reason).add();
            if (!error.empty()) {
                reason_ = refusal.reason.empty() ? unnamed : refusal.reason;
                was_refused_ = true;
            }
            if (reported_.size() < most_reported && reported_.emplace(problem).second)
                log::warning("redis_unavailable", {{"server", server_}, {"problem", problem}, {"dependency", name_}});
        }
    }
    // Last: the breaker's line in the log names the reason.
    if (!up && breaker_.state(Clock::now()) == State::closed) {
        if (auto permit = breaker_.try_acquire(Clock::now())) permit->fail(Clock::now());
    }
    if (another && on_another_server_) on_another_server_();
}

void Client::on_transition(State to) {
    const std::lock_guard lock{mutex_};  // two threads may tell in either order; the last one here reads what holds
    breaker_metrics_.tell(to, to == State::open && !login_refused_ ? reason_ : std::string{});
    breaker_metrics_.show(breaker_.state(Clock::now()));
}

awaitable<void> Client::watch(std::shared_ptr<Watch> watch) {
    unsigned looks = 0;
    while (!watch->stopped) {
        watch->timer.expires_after(watch_interval);
        boost::system::error_code cancelled;
        co_await watch->timer.async_wait(asio::redirect_error(use_awaitable, cancelled));
        if (watch->stopped) break;  // and *this may be gone
        if (!all_up()) continue;
        if (breaker_.state(Clock::now()) != State::closed) {
            co_await probe(*watch);
        } else if (++looks % looks_per_trial == 0 || doubtful_.load(std::memory_order_relaxed) ||
                   refuses_writes_.load(std::memory_order_relaxed)) {
            co_await trial();
        }
    }
}

/// Tries until the breaker is closed, open, or not to be tried yet.
awaitable<void> Client::probe(const Watch& watch) {
    while (!watch.stopped && breaker_.state(Clock::now()) != State::closed) {
        auto permit = breaker_.try_acquire(Clock::now());
        if (!permit) co_return;
        if (!co_await trial()) {
            permit->fail(Clock::now());
            co_return;
        }
        permit->succeed();
    }
}

/// Whether this server is of use, perhaps for reads alone.
awaitable<bool> Client::trial() {
    const auto command = trial_command(trial_key_);
    doubtful_.store(false, std::memory_order_relaxed);
    const Reply reply = co_await background_connection()->command(command, Deadline::never());
    counter_.count(reply);
    if (reply.status == Status::ok) {
        writes_taken();
        co_return true;
    }
    if (reply.status != Status::error) co_return false;
    const auto refusal = judge_error(reply.value.text, command.front());
    if (refusal.kind == Refusal::Kind::writes) {
        writes_refused(refusal.reason, reply.value.text);
        co_return true;
    }
    refused(refusal.reason.empty() ? unnamed : refusal.reason, reply.value.text);
    co_return false;
}

}  // namespace sluice::redis

#include "redis/subscriber.hpp"

#include "redis/link.hpp"
#include "redis/reconnect.hpp"
#include "runtime/on_loops.hpp"
#include "telemetry/log.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <exception>
#include <set>
#include <utility>
#include <vector>

namespace sluice::redis {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using namespace std::chrono_literals;

/// A channel may be silent for hours, so a PING goes out this often, and a server that is silent for longer is dead.
constexpr Duration heartbeat = 1s;
constexpr Duration longest_silence = 3s;
constexpr std::size_t most_reported = 16;

bool is_push(const Value& value, std::string_view kind) {
    return value.kind == Value::Kind::array && value.elements.size() == 3 && value.elements[0].text == kind;
}

}  // namespace

/// What runs on the background loop; keeps itself alive while it does.
class Subscriber::Session : public std::enable_shared_from_this<Session> {
public:
    Session(Executor executor, Address address, std::string channel, std::function<void(std::string_view)> on_message,
            std::function<void()> on_connected)
        : executor_{executor},
          channel_{std::move(channel)},
          on_message_{std::move(on_message)},
          on_connected_{std::move(on_connected)},
          link_{executor, std::move(address)},
          retry_{executor},
          heartbeat_{executor} {}

    void start() {
        const auto escalate = [](std::exception_ptr error) {
            if (error) std::rethrow_exception(error);
        };
        asio::co_spawn(executor_, run(shared_from_this()), escalate);
        asio::co_spawn(executor_, beat(shared_from_this()), escalate);
    }

    void listen(std::string channel) {
        if (channel == channel_) return;
        channel_ = std::move(channel);
        reconnect();
    }

    void reconnect() {
        moved_ = true;
        link_.close();
        retry_.cancel();
    }

    void stop() {
        stopped_ = true;
        link_.close();
        retry_.cancel();
        heartbeat_.cancel();
    }

private:
    awaitable<void> run(std::shared_ptr<Session> self);
    awaitable<void> wait(TimePoint until);
    awaitable<std::string> subscribe();
    awaitable<std::string> read_until_lost();
    awaitable<void> beat(std::shared_ptr<Session> self);
    void on_push(const Value& push);
    void report(const std::string& problem);

    const Executor executor_;
    std::string channel_;
    const std::function<void(std::string_view)> on_message_;
    const std::function<void()> on_connected_;
    bool stopped_ = false;
    bool moved_ = false;              // to another channel or server since it last began to connect
    bool open_ = false;               // logged in: PINGs may be sent
    TimePoint last_heard_{};          // while open
    std::string problem_;             // of the push just read
    std::set<std::string> reported_;  // problems logged since it was last subscribed
    Link link_;
    Reconnect reconnect_;
    runtime::Timer retry_;
    runtime::Timer heartbeat_;
};

awaitable<void> Subscriber::Session::run([[maybe_unused]] std::shared_ptr<Session> self) {
    while (!stopped_) {
        moved_ = false;
        if (channel_.empty()) {
            co_await wait(TimePoint::max());
            continue;
        }
        std::string problem = co_await link_.open(connect_patience);
        if (problem.empty() && !stopped_ && !moved_) problem = co_await subscribe();
        if (problem.empty() && !stopped_ && !moved_) {
            const auto opened = last_heard_ = Clock::now();
            open_ = true;
            problem = co_await read_until_lost();
            open_ = false;
            reconnect_.ended(Clock::now() - opened);
        }
        link_.close();
        if (stopped_) break;
        if (moved_) continue;
        report(problem);
        co_await wait(Clock::now() + reconnect_.next_wait());
    }
}

awaitable<void> Subscriber::Session::wait(TimePoint until) {
    retry_.expires_at(until);
    error_code cancelled;
    co_await retry_.async_wait(asio::redirect_error(use_awaitable, cancelled));
}

awaitable<std::string> Subscriber::Session::subscribe() {
    std::string text;
    append_command(text, std::array<std::string_view, 2>{"SUBSCRIBE", channel_});
    error_code error;
    co_await asio::async_write(link_.socket(), asio::buffer(text), asio::redirect_error(use_awaitable, error));
    co_return error ? "cannot write: " + error.message() : std::string{};
}

awaitable<std::string> Subscriber::Session::read_until_lost() {
    std::vector<Value> pushes;
    problem_.clear();
    for (;;) {
        pushes.clear();
        std::string problem = co_await link_.read(pushes);
        last_heard_ = Clock::now();
        for (const auto& push : pushes) {
            if (stopped_ || moved_) co_return std::string{"stopped"};
            on_push(push);
        }
        if (!problem_.empty()) co_return problem_;
        if (!problem.empty()) co_return problem;
    }
}

void Subscriber::Session::on_push(const Value& push) {
    if (is_push(push, "message")) {
        on_message_(push.elements[2].text);
    } else if (is_push(push, "subscribe")) {
        reported_.clear();
        on_connected_();
    } else if (push.kind == Value::Kind::error) {
        problem_ = "refused: " + push.text;
    }
}

awaitable<void> Subscriber::Session::beat([[maybe_unused]] std::shared_ptr<Session> self) {
    std::string ping;
    append_command(ping, std::array<std::string_view, 1>{"PING"});
    while (!stopped_) {
        heartbeat_.expires_after(heartbeat);
        error_code error;
        co_await heartbeat_.async_wait(asio::redirect_error(use_awaitable, error));
        if (stopped_ || !open_) continue;
        if (Clock::now() - last_heard_ > longest_silence) {
            problem_ = "no answer to PING";
            link_.close();
            continue;
        }
        co_await asio::async_write(link_.socket(), asio::buffer(ping), asio::redirect_error(use_awaitable, error));
    }
}

void Subscriber::Session::report(const std::string& problem) {
    if (reported_.size() >= most_reported || !reported_.insert(problem).second) return;
    log::warning("redis_subscription_lost",
                 {{"server", to_string(link_.address())}, {"channel", channel_}, {"problem", problem}});
}

Subscriber::Subscriber(runtime::EventLoops& loops, const RedisSettings& settings, std::string channel,
                       std::function<void(std::string_view message)> on_message, std::function<void()> on_connected)
    : loops_{loops},
      session_{std::make_shared<Session>(loops.background().executor(), parse_url(settings.url), std::move(channel),
                                         std::move(on_message), std::move(on_connected))} {}

Subscriber::~Subscriber() { stop(); }

void Subscriber::start() {
    running_ = true;
    asio::post(loops_.background().executor(), [session = session_] { session->start(); });
}

void Subscriber::listen(std::string channel) {
    asio::post(loops_.background().executor(),
               [session = session_, channel = std::move(channel)]() mutable { session->listen(std::move(channel)); });
}

void Subscriber::reconnect() {
    asio::post(loops_.background().executor(), [session = session_] { session->reconnect(); });
}

void Subscriber::stop() {
    if (!std::exchange(running_, false)) return;
    runtime::run_on_loops({{loops_.background().executor(), [session = session_] { session->stop(); }}});
}

}  // namespace sluice::redis

// What the tests of Redis share: loops with a client on them, and waiting without sleeping blindly.
#pragma once

#include "redis/client.hpp"
#include "runtime/event_loops.hpp"
#include "support/redis_server.hpp"
#include "telemetry/metrics.hpp"

#include <boost/asio/co_spawn.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <future>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::test {

using namespace std::chrono_literals;

/// Looks until it is so; false after a time that only a broken program needs.
template <class Condition>
bool eventually(Condition condition, std::chrono::seconds patience = 30s) {
    const auto until = Clock::now() + patience;
    while (!condition()) {
        if (Clock::now() > until) return false;
        std::this_thread::sleep_for(2ms);
    }
    return true;
}

/// Whether the metrics hold exactly this line.
inline bool has_line(const telemetry::Metrics& metrics, std::string_view line) {
    return ("\n" + metrics.render()).find("\n" + std::string{line} + "\n") != std::string::npos;
}

/// The figure in INFO behind these marks, one after the other; 0 if they are not there.
inline std::uint64_t info(const RedisServer& server, std::string_view section,
                          std::initializer_list<std::string_view> marks) {
    const auto text = server.command({"INFO", section}).at(0);
    std::size_t at = 0;
    for (const auto mark : marks) {
        at = text.find(mark, at);
        if (at == std::string::npos) return 0;
        at += mark.size();
    }
    return std::stoull(text.substr(at));
}

/// The future's value; throws rather than wait for ever.
template <class T>
T take(std::future<T>& future, std::chrono::seconds patience = 30s) {
    if (future.wait_for(patience) != std::future_status::ready) throw std::runtime_error{"nobody resumed the caller"};
    return future.get();
}

/// Starts the coroutine on that loop. (Asio's use_future makes g++ 12 warn under the address sanitizer.)
template <class T>
std::future<T> start_on(Executor executor, awaitable<T> coroutine) {
    const auto promise = std::make_shared<std::promise<T>>();
    auto future = promise->get_future();
    boost::asio::co_spawn(executor, std::move(coroutine), [promise](std::exception_ptr error, T value) {
        if (error) {
            promise->set_exception(error);
        } else {
            promise->set_value(std::move(value));
        }
    });
    return future;
}

/// One instance of the server, as far as Redis is concerned: two serving loops, the background loop and a client.
class RedisInstance {
public:
    explicit RedisInstance(RedisSettings settings) : client{loops, settings, metrics} {
        loops.start();
        client.start();
    }
    ~RedisInstance() {
        client.stop();
        loops.stop();
    }
    RedisInstance(const RedisInstance&) = delete;
    RedisInstance& operator=(const RedisInstance&) = delete;

    Executor executor(std::size_t loop) {
        return loop < loops.size() ? loops.serving(loop).executor() : loops.background().executor();
    }
    template <class T>
    std::future<T> start(std::size_t loop, awaitable<T> coroutine) {
        return start_on(executor(loop), std::move(coroutine));
    }
    template <class T>
    T run(std::size_t loop, awaitable<T> coroutine) {
        auto future = start(loop, std::move(coroutine));
        return take(future);
    }
    /// A command from a coroutine of its own on that loop.
    std::future<redis::Reply> send(std::size_t loop, std::initializer_list<std::string_view> arguments,
                                   Deadline deadline = Deadline::never()) {
        return start(loop, send(client, {arguments.begin(), arguments.end()}, deadline));
    }
    redis::Reply ask(std::size_t loop, std::initializer_list<std::string_view> arguments) {
        auto future = send(loop, arguments);
        return take(future);
    }
    bool recovers() {
        return eventually([this] { return client.available(); });
    }

    runtime::EventLoops loops{2};
    telemetry::Metrics metrics;
    redis::Client client;

private:
    static awaitable<redis::Reply> send(redis::Client& to, std::vector<std::string> arguments, Deadline deadline) {
        const std::vector<std::string_view> command{arguments.begin(), arguments.end()};
        co_return co_await to.command(command, deadline);
    }
};

}  // namespace sluice::test

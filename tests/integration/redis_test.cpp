// Connections and the client against a real Redis that is slow, dead or frozen.
#include "runtime/pulse.hpp"
#include "support/redis_fixture.hpp"

#include <gtest/gtest.h>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace sluice::redis {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::has_line;
using test::info;
using test::RedisInstance;
using test::RedisServer;
using test::take;

constexpr auto patient = 20'000ms;     // no command runs into it
constexpr auto impatient = 50ms;       // the default
constexpr std::size_t background = 2;  // the loop after the serving ones

TEST(RedisClient, AnswersOnEveryLoop) {
    const RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    for (const std::size_t loop : {0, 1, 2}) {
        const auto reply = instance.ask(loop, {"ECHO", std::to_string(loop)});
        EXPECT_EQ(reply.status, Status::ok);
        EXPECT_EQ(reply.value.text, std::to_string(loop));
    }
    EXPECT_TRUE(has_line(instance.metrics, "sluice_redis_commands_total{result=\"ok\"} 3")) << instance.metrics.render();
    EXPECT_TRUE(has_line(instance.metrics, "sluice_breaker_state{dependency=\"redis\"} 0"));
}

TEST(RedisClient, AnErrorReplyIsNoFailureOfRedis) {
    const RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    for (int i = 0; i < 20; ++i) {
        const auto reply = instance.ask(0, {"NOSUCHCOMMAND"});
        ASSERT_EQ(reply.status, Status::error);
        EXPECT_TRUE(reply.value.text.starts_with("ERR unknown command"));
    }
    EXPECT_TRUE(instance.client.available());
    EXPECT_TRUE(has_line(instance.metrics, "sluice_redis_commands_total{result=\"error\"} 20"));
}

awaitable<Reply> increment(Client& client) {
    constexpr std::array<std::string_view, 2> command{"INCR", "n"};
    co_return co_await client.command(command, Deadline::never());
}

TEST(RedisClient, CommandsOfOneTurnLeaveTogetherAndAreAnsweredInOrder) {
    constexpr std::int64_t count = 1000;
    const RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    const auto reads_before = info(server, "stats", {"total_reads_processed:"});
    std::vector<std::future<Reply>> replies;
    std::promise<void> all_started;
    boost::asio::post(instance.executor(0), [&] {
        for (std::int64_t i = 0; i < count; ++i) replies.push_back(instance.start(0, increment(instance.client)));
        all_started.set_value();
    });
    all_started.get_future().wait();
    for (std::int64_t i = 0; i < count; ++i) EXPECT_EQ(take(replies[static_cast<std::size_t>(i)]).value.integer, i + 1);
    // One write of some 20 KB is read in a few pieces; a write each would be a thousand.
    EXPECT_LT(info(server, "stats", {"total_reads_processed:"}) - reads_before, 100u);
}

TEST(RedisClient, ALoopThatIsBusyTakesItsRepliesWhenThePulseLooks) {
    const RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    const auto executor = instance.executor(0);
    auto reply = instance.start(0, increment(instance.client));
    std::promise<bool> taken;
    // Behind the write, and the loop does nothing else meanwhile.
    boost::asio::post(executor, [&] {
        boost::asio::post(executor, [&] {
            taken.set_value(eventually([&] {
                runtime::Pulse::of(executor).look();
                return reply.wait_for(0s) == std::future_status::ready;
            }));
        });
    });
    EXPECT_TRUE(taken.get_future().get());
    EXPECT_EQ(take(reply).value.integer, 1);
    EXPECT_EQ(instance.ask(0, {"GET", "n"}).value.text, "1") << "and goes on reading as ever";
}

// Whatever the reactor has begun to read: a look must not have later bytes before earlier ones.
TEST(RedisClient, ALookDoesNotOvertakeARead) {
    boost::asio::io_context loop{1};
    boost::asio::ip::tcp::acceptor acceptor{loop, {boost::asio::ip::make_address("127.0.0.1"), 0}};
    Connection::Settings settings;
    settings.address = parse_url("redis://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()));
    settings.timeout = patient;
    const auto connection = std::make_shared<Connection>(loop.get_executor(), settings, [](bool, std::string_view) {});
    connection->start();
    boost::asio::ip::tcp::socket server{loop};
    acceptor.async_accept(server, [](const boost::system::error_code&) {});
    while (!server.is_open()) loop.run_one();
    server.set_option(boost::asio::ip::tcp::no_delay{true});
    const auto say = [&](std::string_view text) { boost::asio::write(server, boost::asio::buffer(text)); };
    say("+PONG\r\n");
    while (!connection->up()) loop.run_one();

    std::map<std::string, std::string> got;
    const auto ask = [&](std::string key, std::function<void()> then) -> awaitable<void> {
        const std::array<std::string_view, 2> command{"GET", key};
        auto reply = co_await connection->command(command, Deadline::never());
        got[key] = reply.value.text;
        if (then) then();
    };
    const std::function<void()> busy = [&] {
        boost::asio::post(loop, [&] { say("$1\r\nC\r\n"); });
        for (unsigned i = 0; i < runtime::Pulse::beats_per_look; ++i) runtime::Pulse::of(loop.get_executor()).beat();
        say("$1\r\nB\r\n");
    };
    boost::asio::co_spawn(loop, ask("A", busy), boost::asio::detached);
    boost::asio::co_spawn(loop, ask("B", {}), boost::asio::detached);
    boost::asio::co_spawn(loop, ask("C", {}), boost::asio::detached);
    for (int i = 0; i < 20; ++i) loop.poll();
    say("$1\r\nA\r\n");
    while (got.size() < 3) loop.run_one();
    EXPECT_EQ(got, (std::map<std::string, std::string>{{"A", "A"}, {"B", "B"}, {"C", "C"}}));
    connection->stop();
    loop.poll();
}

TEST(RedisClient, StartsWithoutRedisAndFindsItLater) {
    RedisServer server;
    server.kill();
    RedisInstance instance{server.settings(patient)};
    const auto reply = instance.ask(0, {"PING"});
    EXPECT_EQ(reply.status, Status::unavailable);
    EXPECT_FALSE(reply.sent);
    EXPECT_TRUE(eventually([&] { return has_line(instance.metrics, "sluice_breaker_state{dependency=\"redis\"} 1"); }))
        << "failed attempts to connect open the breaker without any request";
    EXPECT_FALSE(instance.client.available());
    EXPECT_TRUE(has_line(instance.metrics, "sluice_redis_commands_total{result=\"unavailable\"} 0")) << "nothing was sent";
    server.restart();
    EXPECT_TRUE(instance.recovers());
    EXPECT_EQ(instance.ask(0, {"PING"}).status, Status::ok);
}

TEST(RedisClient, AKilledServerFailsWhatWaitsAtOnce) {
    RedisServer server;
    RedisInstance instance{server.settings(60'000ms)};
    ASSERT_TRUE(instance.recovers());
    server.freeze();
    std::vector<std::future<Reply>> replies;
    replies.reserve(300);
    for (int i = 0; i < 300; ++i) replies.push_back(instance.send(static_cast<std::size_t>(i % 3), {"PING"}));
    server.kill();
    for (auto& reply : replies) EXPECT_EQ(take(reply).status, Status::unavailable);
    server.restart();
    EXPECT_TRUE(instance.recovers());
    EXPECT_EQ(instance.ask(1, {"PING"}).value.text, "PONG");
}

struct Load {
    std::atomic<bool> stop{false};
    std::atomic<int> answered{0};
    std::atomic<int> failed{0};
    std::atomic<int> wrong{0};
};

awaitable<bool> echo_until_stopped(Client& client, Load& load, std::string text) {
    runtime::Timer pause{co_await boost::asio::this_coro::executor};
    const std::array<std::string_view, 2> command{"ECHO", text};
    while (!load.stop) {
        const Reply reply = co_await client.command(command, Deadline::after(Clock::now(), 5s));
        if (reply.status == Status::ok) {
            ++load.answered;
            if (reply.value.text != text) ++load.wrong;
        } else {
            ++load.failed;
        }
        pause.expires_after(1ms);
        co_await pause.async_wait(use_awaitable);
    }
    co_return true;
}

TEST(RedisClient, SurvivesKillsUnderLoad) {
    RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    Load load;
    std::vector<std::future<bool>> workers;
    workers.reserve(60);
    for (int i = 0; i < 60; ++i) {
        workers.push_back(instance.start(static_cast<std::size_t>(i % 3),
                                         echo_until_stopped(instance.client, load, "text " + std::to_string(i))));
    }
    for (int round = 0; round < 3; ++round) {
        const int answered = load.answered;
        EXPECT_TRUE(eventually([&] { return load.answered > answered + 500; }));
        server.kill();
        const int failed = load.failed;
        EXPECT_TRUE(eventually([&] { return load.failed > failed + 100; }));
        EXPECT_TRUE(eventually([&] { return !instance.client.available(); }));
        server.restart();
        EXPECT_TRUE(instance.recovers());
    }
    load.stop = true;
    for (auto& worker : workers) EXPECT_TRUE(take(worker));
    EXPECT_EQ(load.wrong, 0);
}

TEST(RedisClient, APausedServerTimesOutAndOpensTheBreaker) {
    const RedisServer server;
    RedisInstance instance{server.settings(impatient)};
    ASSERT_TRUE(instance.recovers());
    server.command({"CLIENT", "PAUSE", "1500", "ALL"});
    // Some answers may still come until the pause holds everywhere; then every caller is let go.
    EXPECT_TRUE(eventually([&] { return instance.ask(0, {"PING"}).status == Status::timed_out; }));
    EXPECT_TRUE(eventually([&] {
        instance.ask(0, {"PING"});
        return has_line(instance.metrics, "sluice_breaker_state{dependency=\"redis\"} 1");
    }));
    EXPECT_FALSE(instance.client.available());
    EXPECT_FALSE(instance.ask(0, {"PING"}).sent) << "an open breaker sends nothing";
    EXPECT_TRUE(instance.recovers());
    EXPECT_TRUE(eventually([&] { return instance.ask(0, {"ECHO", "own"}).value.text == "own"; }));
    EXPECT_TRUE(eventually([&] {  // counted a moment after it closed
        return !has_line(instance.metrics, "sluice_breaker_transitions_total{dependency=\"redis\",to=\"closed\"} 0");
    }));
}

TEST(RedisClient, TheCallersDeadlineIsKeptAndItsImpatienceIsNoFailureOfRedis) {
    RedisServer server;
    RedisInstance instance{server.settings(60'000ms)};
    ASSERT_TRUE(instance.recovers());
    server.freeze();
    for (int i = 0; i < 10; ++i) {
        auto reply = instance.send(0, {"PING"}, Deadline::after(Clock::now(), 20ms));
        EXPECT_EQ(take(reply).status, Status::timed_out);
    }
    auto late = instance.send(0, {"PING"}, Deadline::at(TimePoint{}));
    const Reply reply = take(late);
    EXPECT_EQ(reply.status, Status::timed_out);
    EXPECT_FALSE(reply.sent);
    EXPECT_TRUE(instance.client.available());
    server.thaw();
    EXPECT_EQ(instance.ask(0, {"ECHO", "own"}).value.text, "own") << "late replies are dropped in order";
}

TEST(RedisClient, AFrozenServerIsLeftAndFoundAgain) {
    RedisServer server;
    RedisInstance instance{server.settings(impatient)};
    ASSERT_TRUE(instance.recovers());
    server.freeze();
    instance.ask(background, {"PING"});
    EXPECT_TRUE(eventually([&] { return !instance.client.background_connection()->up(); }))
        << "a connection that owes a reply for seconds is given up";
    EXPECT_EQ(instance.ask(background, {"PING"}).status, Status::unavailable);
    server.thaw();
    EXPECT_TRUE(instance.recovers());
    EXPECT_TRUE(eventually([&] { return instance.ask(background, {"ECHO", "own"}).value.text == "own"; }));
}

TEST(RedisClient, StopLetsEveryCallerGo) {
    RedisServer server;
    RedisInstance instance{server.settings(60'000ms)};
    ASSERT_TRUE(instance.recovers());
    server.freeze();
    std::vector<std::future<Reply>> replies;
    replies.reserve(30);
    for (int i = 0; i < 30; ++i) replies.push_back(instance.send(static_cast<std::size_t>(i % 3), {"PING"}));
    instance.client.stop();
    for (auto& reply : replies) EXPECT_EQ(take(reply).status, Status::unavailable);
    EXPECT_FALSE(instance.ask(0, {"PING"}).sent);
    EXPECT_FALSE(instance.client.available());
}

awaitable<Reply> ask(std::shared_ptr<Connection> connection, std::string text) {
    const std::array<std::string_view, 2> command{"ECHO", text};
    co_return co_await connection->command(command, Deadline::never());
}

TEST(RedisConnection, RefusesMoreThanItsBounds) {
    RedisServer server;
    runtime::EventLoops loops{1};
    loops.start();
    const auto executor = loops.serving(0).executor();
    const auto start = [&](std::string text, const std::shared_ptr<Connection>& on) {
        return test::start_on(executor, ask(on, std::move(text)));
    };
    const auto connection = std::make_shared<Connection>(
        executor,
        Connection::Settings{.address = parse_url(server.url()), .timeout = 60s, .max_pending = 3, .max_output = 1000},
        [](bool, std::string_view) {});
    boost::asio::post(executor, [connection] { connection->start(); });
    ASSERT_TRUE(eventually([&] { return connection->up(); }));

    auto large = start(std::string(2000, 'x'), connection);
    EXPECT_EQ(take(large).status, Status::unavailable);
    server.freeze();
    std::vector<std::future<Reply>> replies;
    replies.reserve(3);
    for (int i = 0; i < 3; ++i) replies.push_back(start("held", connection));
    auto refused = start("refused", connection);
    const Reply reply = take(refused);
    EXPECT_EQ(reply.status, Status::unavailable);
    EXPECT_FALSE(reply.sent);
    server.thaw();
    for (auto& held : replies) EXPECT_EQ(take(held).value.text, "held");

    std::promise<void> stopped;
    boost::asio::post(executor, [&] {
        connection->stop();
        stopped.set_value();
    });
    stopped.get_future().wait();
}

}  // namespace
}  // namespace sluice::redis

// The ports behind which Redis hides, against a real one: limits, bytes and messages.
#include "redis/byte_store.hpp"
#include "redis/publisher.hpp"
#include "redis/rate_limiter.hpp"
#include "redis/subscriber.hpp"
#include "support/redis_fixture.hpp"

#include <gtest/gtest.h>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include <poll.h>

namespace sluice::redis {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::RedisInstance;
using test::RedisServer;
using test::take;
using Verdict = RateDecision::Verdict;

constexpr auto patient = 20'000ms;

RateDecision acquire(RedisInstance& instance, RateLimiter& limiter, std::string_view key, RateLimit limit) {
    return instance.run(0, limiter.acquire({key, limit}, Deadline::never()));
}

TEST(RedisRateLimiter, CountsDownAndRejectsWithoutRecording) {
    const RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    RateLimiter limiter{instance.client};
    const RateLimit limit{3, 60'000ms};
    for (const std::uint64_t remaining : {2, 1, 0}) {
        const auto decision = acquire(instance, limiter, "acme", limit);
        EXPECT_EQ(decision.verdict, Verdict::admitted);
        EXPECT_EQ(decision.remaining, remaining);
        EXPECT_EQ(decision.retry_after, 0ms);
        EXPECT_GT(decision.reset_after, 0ms);
        EXPECT_LE(decision.reset_after, limit.window);
    }
    for (int i = 0; i < 5; ++i) {
        const auto decision = acquire(instance, limiter, "acme", limit);
        EXPECT_EQ(decision.verdict, Verdict::rejected);
        EXPECT_EQ(decision.remaining, 0u);
        EXPECT_GT(decision.retry_after, 0ms);
        EXPECT_LE(decision.retry_after, limit.window);
        EXPECT_EQ(decision.retry_after, decision.reset_after) << "at the limit the oldest has to leave";
    }
    EXPECT_EQ(server.command({"ZCARD", "sluice:log:{acme}:60000"}).at(0), "3");
    EXPECT_GE(std::stoll(server.command({"PTTL", "sluice:log:{acme}:60000"}).at(0)), 0);
    EXPECT_EQ(acquire(instance, limiter, "other", limit).verdict, Verdict::admitted);
}

TEST(RedisRateLimiter, ALoweredLimitHoldsAtOnce) {
    const RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    RateLimiter limiter{instance.client};
    for (int i = 0; i < 4; ++i) acquire(instance, limiter, "k", {4, 60'000ms});
    const auto decision = acquire(instance, limiter, "k", {2, 60'000ms});
    EXPECT_EQ(decision.verdict, Verdict::rejected);
    EXPECT_GE(decision.retry_after, decision.reset_after) << "three have to leave";
    const auto none = acquire(instance, limiter, "nothing", {0, 60'000ms});
    EXPECT_EQ(none.verdict, Verdict::rejected);
    EXPECT_EQ(none.retry_after, 60'000ms);
}

TEST(RedisRateLimiter, LoadsItsScriptAgainAfterAFlush) {
    const RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    RateLimiter limiter{instance.client};
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(acquire(instance, limiter, "k", {100, 60'000ms}).verdict, Verdict::admitted);
        server.command({"SCRIPT", "FLUSH", "SYNC"});
    }
    EXPECT_EQ(server.command({"ZCARD", "sluice:log:{k}:60000"}).at(0), "3");
}

TEST(RedisRateLimiter, SaysUnavailableWhenRedisIsAwayOrRefuses) {
    RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    RateLimiter limiter{instance.client};
    server.command({"SET", "sluice:log:{k}:1000", "not a sorted set"});
    EXPECT_EQ(acquire(instance, limiter, "k", {1, 1'000ms}).verdict, Verdict::unavailable);
    server.kill();
    EXPECT_TRUE(eventually([&] {
        return acquire(instance, limiter, "j", {1'000'000, 1'000ms}).verdict == Verdict::unavailable;
    }));
}

struct Tally {
    std::atomic<int> admitted{0};
    std::atomic<int> rejected{0};
    std::atomic<int> unavailable{0};
};

awaitable<bool> acquire_until(RateLimiter& limiter, RateLimit limit, Tally& tally, int enough) {
    runtime::Timer pause{co_await boost::asio::this_coro::executor};
    while (tally.admitted < enough) {
        const auto decision = co_await limiter.acquire({"hot", limit}, Deadline::never());
        if (decision.verdict == Verdict::admitted) ++tally.admitted;
        if (decision.verdict == Verdict::rejected) ++tally.rejected;
        if (decision.verdict == Verdict::unavailable) ++tally.unavailable;
        pause.expires_after(1ms);
        co_await pause.async_wait(use_awaitable);
    }
    co_return true;
}

/// The scores of all admissions, from what the script did.
std::vector<std::int64_t> admissions(const std::vector<std::string>& monitored) {
    std::vector<std::int64_t> scores;
    for (const auto& line : monitored) {
        constexpr std::string_view add = "\"ZADD\" \"sluice:log:{hot}:150\" \"NX\" \"";
        const auto at = line.find(add);
        if (at != std::string::npos) scores.push_back(std::stoll(line.substr(at + add.size())));
    }
    std::sort(scores.begin(), scores.end());
    return scores;
}

TEST(RedisRateLimiter, TwoInstancesNeverAdmitMoreThanTheLimitInAnyWindow) {
    constexpr RateLimit limit{40, 150ms};
    const RedisServer server;
    RedisInstance one{server.settings(patient)};
    RedisInstance two{server.settings(patient)};
    ASSERT_TRUE(one.recovers() && two.recovers());
    RateLimiter first{one.client};
    RateLimiter second{two.client};
    Tally tally;
    const auto monitored = server.monitor([&] {
        std::vector<std::future<bool>> workers;
        for (std::size_t i = 0; i < 20; ++i) {
            workers.push_back(one.start(i % 2, acquire_until(first, limit, tally, 300)));
            workers.push_back(two.start(i % 2, acquire_until(second, limit, tally, 300)));
        }
        for (auto& worker : workers) take(worker);
    });
    const auto scores = admissions(monitored);
    EXPECT_EQ(tally.unavailable, 0);
    EXPECT_GT(tally.rejected, 0);
    EXPECT_EQ(static_cast<int>(scores.size()), tally.admitted);
    const auto window = std::chrono::microseconds{limit.window}.count();
    for (std::size_t i = limit.requests; i < scores.size(); ++i) {
        ASSERT_GE(scores[i] - scores[i - limit.requests], window) << "admission " << i;
    }
}

TEST(RedisByteStore, KeepsBytesAndTheirLifetime) {
    const RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    ByteStore store{instance.client};
    const std::string bytes{"\0\r\n$5\r\n\xff", 8};
    const std::string key{"a\0b\r\n", 5};
    EXPECT_TRUE(instance.run(0, store.put(key, bytes, 60'000ms, Deadline::never())));
    const auto stored = instance.run(1, store.get(key, Deadline::never()));
    EXPECT_EQ(stored.status, StoreStatus::found);
    EXPECT_EQ(stored.bytes, bytes);
    EXPECT_GT(stored.remaining, 0ms);
    EXPECT_LE(stored.remaining, 60'000ms);
    EXPECT_EQ(instance.run(0, store.get("other", Deadline::never())).status, StoreStatus::missing);
    EXPECT_EQ(server.command({"EXISTS", std::string{"sluice:c:"} + key}).at(0), "1");
}

// What a client writes into a query costs no more memory there than a digest.
TEST(RedisByteStore, LongKeysAreNamedByTheirDigestAndToldApart) {
    const RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    ByteStore store{instance.client};
    const std::string long_key(8'000, 'k');
    const auto never = Deadline::never();
    for (const auto& key : {long_key + "1", long_key + "2", std::string(1024, 'k')}) {
        EXPECT_TRUE(instance.run(0, store.put(key, "of " + key.substr(key.size() - 1), 60'000ms, never)));
    }
    EXPECT_EQ(instance.run(0, store.get(long_key + "1", never)).bytes, "of 1");
    EXPECT_EQ(instance.run(0, store.get(long_key + "2", never)).bytes, "of 2");
    EXPECT_EQ(instance.run(0, store.get(std::string(1024, 'k'), never)).bytes, "of k");
    EXPECT_EQ(instance.run(0, store.get(std::string(1025, 'k'), never)).status, StoreStatus::missing);
    EXPECT_EQ(instance.run(0, store.lock(long_key + "1", "me", 60'000ms, never)), LockStatus::acquired);
    EXPECT_EQ(instance.run(0, store.lock(long_key + "1", "you", 60'000ms, never)), LockStatus::held);
    EXPECT_EQ(instance.run(0, store.lock(long_key + "2", "you", 60'000ms, never)), LockStatus::acquired);
    for (const auto& name : server.command({"KEYS", "*"})) EXPECT_LE(name.size(), 1024u + 16);
}

TEST(RedisByteStore, KeepsEmptyAndLargeValues) {
    const RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    ByteStore store{instance.client};
    for (const std::size_t size : {std::size_t{0}, std::size_t{5'000'000}}) {
        EXPECT_TRUE(instance.run(0, store.put("k", std::string(size, 'x'), 60'000ms, Deadline::never())));
        const auto stored = instance.run(0, store.get("k", Deadline::never()));
        EXPECT_EQ(stored.status, StoreStatus::found);
        EXPECT_EQ(stored.bytes.size(), size);
    }
}

TEST(RedisByteStore, OneHoldsAKeysLockUntilItIsGivenBackOrEnds) {
    const RedisServer server;
    RedisInstance instance{server.settings(20'000ms)};
    ASSERT_TRUE(instance.recovers());
    ByteStore store{instance.client};
    const auto lock = [&](std::string_view owner, std::chrono::milliseconds life) {
        return instance.run(0, store.lock("k", owner, life, Deadline::never()));
    };
    EXPECT_EQ(lock("a", 60s), LockStatus::acquired);
    EXPECT_EQ(lock("b", 60s), LockStatus::held);
    const auto unlock = [](ByteStore& from, std::string owner) -> awaitable<bool> {
        co_await from.unlock("k", owner, Deadline::never());
        co_return true;
    };
    instance.run(0, unlock(store, "b"));
    EXPECT_EQ(lock("b", 60s), LockStatus::held) << "it is not theirs to give back";
    instance.run(0, unlock(store, "a"));
    EXPECT_EQ(lock("b", 1ms), LockStatus::acquired);
    EXPECT_TRUE(eventually([&] { return lock("c", 60s) == LockStatus::acquired; })) << "the holder may be gone";
}

TEST(RedisByteStore, StoresNothingThatLivesNoTime) {
    const RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    ByteStore store{instance.client};
    EXPECT_FALSE(instance.run(0, store.put("k", "v", 0ms, Deadline::never())));
    EXPECT_EQ(server.command({"DBSIZE"}).at(0), "0");
}

TEST(RedisByteStore, SaysUnavailableWhenRedisIsAwayOrRefuses) {
    RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    ByteStore store{instance.client};
    server.command({"LPUSH", "sluice:c:list", "x"});
    EXPECT_EQ(instance.run(0, store.get("list", Deadline::never())).status, StoreStatus::unavailable);
    server.kill();
    EXPECT_TRUE(
        eventually([&] { return instance.run(0, store.get("k", Deadline::never())).status == StoreStatus::unavailable; }));
    EXPECT_FALSE(instance.run(0, store.put("k", "v", 60'000ms, Deadline::never())));
}

/// What a subscriber was told.
struct Heard {
    std::mutex mutex;
    std::vector<std::string> messages;
    std::atomic<int> connected{0};

    bool has(std::string_view message) {
        const std::lock_guard lock{mutex};
        return std::find(messages.begin(), messages.end(), message) != messages.end();
    }
    Subscriber subscriber(RedisInstance& instance, const RedisSettings& settings) {
        return {instance.loops, settings, "news",
                [this](std::string_view message) {
                    const std::lock_guard lock{mutex};
                    messages.emplace_back(message);
                },
                [this] { ++connected; }};
    }
};

TEST(RedisPubSub, AMessageFromAnyThreadReachesTheOthers) {
    const RedisServer server;
    RedisInstance here{server.settings(patient)};
    RedisInstance there{server.settings(patient)};
    ASSERT_TRUE(here.recovers());
    Heard heard;
    auto subscriber = heard.subscriber(there, server.settings());
    subscriber.start();
    ASSERT_TRUE(eventually([&] { return heard.connected == 1; }));
    Publisher publisher{here.client};
    const std::string binary{"\0\r\n\xff", 4};
    publisher.publish("other", "not for us");
    publisher.publish("news", binary);
    boost::asio::post(here.executor(0), [&] { publisher.publish("news", "from a loop"); });
    EXPECT_TRUE(eventually([&] { return heard.has(binary) && heard.has("from a loop"); }));
    EXPECT_FALSE(heard.has("not for us"));
    subscriber.stop();
}

TEST(RedisPubSub, SubscribesAgainAfterARestart) {
    RedisServer server;
    RedisInstance instance{server.settings(patient)};
    Heard heard;
    auto subscriber = heard.subscriber(instance, server.settings());
    subscriber.start();
    Publisher publisher{instance.client};
    ASSERT_TRUE(eventually([&] { return heard.connected == 1; }));
    server.kill();
    publisher.publish("news", "lost");
    server.restart();
    EXPECT_TRUE(eventually([&] { return heard.connected == 2; }));
    ASSERT_TRUE(instance.recovers());
    publisher.publish("news", "after");
    EXPECT_TRUE(eventually([&] { return heard.has("after"); }));
    server.command({"CLIENT", "KILL", "TYPE", "pubsub"});
    EXPECT_TRUE(eventually([&] { return heard.connected == 3; }));
    subscriber.stop();
    EXPECT_FALSE(heard.has("lost"));
}

TEST(RedisPubSub, LeavesAServerThatFallsSilent) {
    using boost::asio::ip::tcp;
    boost::asio::io_context context;
    tcp::acceptor acceptor{context, {boost::asio::ip::address_v4::loopback(), 0}};
    const auto accept = [&] {
        ::pollfd descriptor{acceptor.native_handle(), POLLIN, 0};
        if (::poll(&descriptor, 1, 30'000) != 1) throw std::runtime_error{"nobody connects"};
        return acceptor.accept();
    };
    const RedisSettings settings{"redis://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()), patient};
    const RedisServer unused;
    RedisInstance instance{unused.settings(patient)};
    Heard heard;
    auto subscriber = heard.subscriber(instance, settings);
    subscriber.start();
    auto socket = accept();
    std::string input;
    boost::asio::read_until(socket, boost::asio::dynamic_buffer(input), "PING\r\n");
    boost::asio::write(socket, boost::asio::buffer(std::string_view{"+PONG\r\n"}));
    boost::asio::read_until(socket, boost::asio::dynamic_buffer(input), "news\r\n");
    boost::asio::write(socket, boost::asio::buffer(std::string_view{"*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n"}));
    EXPECT_TRUE(eventually([&] { return heard.connected == 1; }));
    EXPECT_NO_THROW(accept()) << "its PINGs are not answered, so it connects anew";
    subscriber.stop();
}

}  // namespace
}  // namespace sluice::redis

// Leased rate limits against a real Redis: the script, and the limiter that uses it.
#include "redis/leased_rate_limiter.hpp"
#include "redis/live_instances.hpp"
#include "redis/rate_limiter.hpp"
#include "runtime/boot_clock.hpp"
#include "support/lease_ledger.hpp"
#include "support/redis_fixture.hpp"
#include "support/timed_script.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace sluice::redis {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::RedisInstance;
using test::RedisServer;
using test::take;
using Verdict = RateDecision::Verdict;

constexpr auto patient = 20'000ms;

awaitable<RateDecision> admit(LeasedRateLimiter& limiter, std::string key, std::vector<RateLimit> limits,
                              std::uint64_t cost) {
    const RateRequest request{key, limits, cost};
    if (const auto decision = limiter.try_acquire(request)) co_return *decision;
    co_return co_await limiter.acquire(request, Deadline::never());
}

RateDecision admit_on(RedisInstance& instance, LeasedRateLimiter& limiter, std::string key, std::vector<RateLimit> limits,
                      std::uint64_t cost = 1) {
    return instance.run(0, admit(limiter, std::move(key), std::move(limits), cost));
}

}  // namespace

TEST(LeaseScript, DoesWhatTheModelDoes) {
    const RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    const auto text = test::with_time_as_argument(lease_script, 8);
    const Script script{text};
    std::mt19937_64 random{5};
    int granted = 0, refused = 0;
    for (int key = 0; key < 12; ++key) {
        const auto window = std::array{1'000ms, 10'000ms, 60'000ms, 31 * 86'400'000ms}[random() % 4];
        const auto limit = std::array<std::uint64_t, 4>{1, 10, 1'000, 100'000}[random() % 4];
        const auto terms = policy::LeaseTerms::of(window);
        test::LeaseLedger ledger;
        // Far from now, so that Redis expires nothing.
        std::int64_t now = 4'000'000'000'000'000 + static_cast<std::int64_t>(random() % 1'000'000);
        for (int step = 0; step < 400; ++step) {
            now += static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(terms.hold.count() / 40));
            const std::uint64_t cost = random() % 10 == 0 ? 0 : 1 + random() % 3;
            const std::uint64_t want = cost == 0 ? 0 : cost + random() % (limit / 4 + 1);
            const std::uint64_t charge = random() % 20 == 0 ? 1 + random() % 5 : 0;
            const auto expected = ledger.grant(now, limit, want, cost, terms, charge);
            std::vector<std::string> arguments;
            for (const std::uint64_t number : {limit, want, cost, charge}) arguments.push_back(std::to_string(number));
            for (const auto length : {terms.window, terms.hold, terms.bucket}) {
                arguments.push_back(std::to_string(length.count()));
            }
            arguments.push_back(std::to_string(now));
            const auto reply = instance.run(
                0, script.run(instance.client, {{"lease" + std::to_string(key)}, std::move(arguments)}, Deadline::never()));
            ASSERT_EQ(reply.status, Status::ok) << reply.value.text;
            const auto& answer = reply.value.elements;
            ASSERT_EQ(answer.size(), 4U);
            ASSERT_EQ(answer[0].integer, static_cast<std::int64_t>(expected.granted)) << "key " << key << " step " << step;
            ASSERT_EQ(answer[1].integer, static_cast<std::int64_t>(expected.remaining)) << "key " << key << " step " << step;
            ASSERT_EQ(answer[2].integer, expected.reset.count()) << "key " << key << " step " << step;
            ASSERT_EQ(answer[3].integer, expected.retry.count()) << "key " << key << " step " << step;
            ++(expected.granted > 0 ? granted : refused);
        }
        EXPECT_EQ(server.command({"LLEN", "lease" + std::to_string(key)}).at(0), std::to_string(ledger.entries()));
    }
    EXPECT_GT(granted, 500);
    EXPECT_GT(refused, 500);
}

TEST(LeasedRateLimiter, CountsDownAndRejects) {
    const RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    LeasedRateLimiter limiter{instance.client};
    for (const std::uint64_t remaining : {2, 1, 0}) {
        const auto decision = admit_on(instance, limiter, "acme", {{3, 60s}});
        EXPECT_EQ(decision.verdict, Verdict::admitted);
        EXPECT_EQ(decision.remaining, remaining);
        EXPECT_GT(decision.reset_after, 0ms);
        EXPECT_LE(decision.reset_after, 61s);
    }
    const auto denied = admit_on(instance, limiter, "acme", {{3, 60s}});
    EXPECT_EQ(denied.verdict, Verdict::rejected);
    EXPECT_EQ(denied.remaining, 0U);
    EXPECT_GT(denied.retry_after, 0ms);
    const auto sent = test::info(server, "stats", {"total_commands_processed:"});
    for (int i = 0; i < 50; ++i) admit_on(instance, limiter, "acme", {{3, 60s}});
    EXPECT_LT(test::info(server, "stats", {"total_commands_processed:"}), sent + 50) << "a denial is remembered";
    EXPECT_EQ(admit_on(instance, limiter, "other", {{3, 60s}}).verdict, Verdict::admitted);
}

TEST(LeasedRateLimiter, SeveralLimitsHoldAllOrNothing) {
    const RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    LeasedRateLimiter limiter{instance.client};
    const std::vector<RateLimit> limits{{1'000, 60s}, {3, 1h}, {5, 60s, "GET /x"}};
    for (int i = 0; i < 3; ++i) EXPECT_EQ(admit_on(instance, limiter, "a", limits).verdict, Verdict::admitted);
    const auto denied = admit_on(instance, limiter, "a", limits);
    EXPECT_EQ(denied.verdict, Verdict::rejected);
    EXPECT_EQ(denied.limit, 1U);
    const auto dear = admit_on(instance, limiter, "b", {{5, 60s}}, 3);
    EXPECT_EQ(dear.verdict, Verdict::admitted);
    EXPECT_EQ(dear.remaining, 2U);
    EXPECT_EQ(admit_on(instance, limiter, "b", {{5, 60s}}, 3).verdict, Verdict::rejected);
    EXPECT_EQ(admit_on(instance, limiter, "b", {{5, 60s}}, 2).verdict, Verdict::admitted);
}

TEST(LeasedRateLimiter, AHotKeyCostsFewCommands) {
    const RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    LeasedRateLimiter limiter{instance.client};
    const auto burst = [](LeasedRateLimiter& all) -> awaitable<int> {
        int admitted = 0;
        for (int i = 0; i < 100'000; ++i) {
            std::vector<RateLimit> limits(1, RateLimit{1'000'000, 60s});
            const auto decision = co_await admit(all, "hot", std::move(limits), 1);
            admitted += decision.verdict == Verdict::admitted ? 1 : 0;
        }
        co_return admitted;
    };
    const auto sent = test::info(server, "stats", {"total_commands_processed:"});
    EXPECT_EQ(instance.run(0, burst(limiter)), 100'000);
    // The script's own calls count, too: about seven a lease.
    EXPECT_LT(test::info(server, "stats", {"total_commands_processed:"}) - sent, 20'000U);
}

TEST(LeasedRateLimiter, SaysUnavailableWhenRedisIsAwayAndChargesWhatWasAdmittedMeanwhile) {
    RedisServer server;
    RedisInstance instance{server.settings(500ms)};
    ASSERT_TRUE(instance.recovers());
    LeasedRateLimiter limiter{instance.client};
    const RateLimit limit{10, 60s};
    EXPECT_EQ(admit_on(instance, limiter, "k", {limit}).remaining, 9U);
    server.freeze();
    EXPECT_EQ(admit_on(instance, limiter, "frozen", {limit}).verdict, Verdict::unavailable);
    for (int i = 0; i < 4; ++i) limiter.admitted_elsewhere({"k", limit});
    for (int i = 0; i < 2; ++i) limiter.admitted_elsewhere({"quiet", limit});
    server.thaw();
    ASSERT_TRUE(instance.recovers());
    EXPECT_TRUE(eventually([&] { return admit_on(instance, limiter, "k", {limit}).remaining == 4U; }))
        << "with the key's next question: 10 - 1 - 4 - this";
    const auto charge = [](LeasedRateLimiter& all) -> awaitable<bool> {
        co_await all.charge();
        co_return true;
    };
    EXPECT_TRUE(eventually([&] {
        instance.run(2, charge(limiter));
        return server.command({"EXISTS", limit_key("sluice:", "lease", "quiet", limit)}).at(0) == "1";
    })) << "and of keys that nobody asks for, too";
    EXPECT_EQ(admit_on(instance, limiter, "quiet", {limit}).remaining, 7U);
}

TEST(LeasedRateLimiter, KeysThatWentQuietAreForgotten) {
    const RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    LeasedRateLimiter limiter{instance.client, {1'000'000, 1}};
    for (int i = 0; i < 100; ++i) admit_on(instance, limiter, "key" + std::to_string(i), {{10, 1s}});
    EXPECT_TRUE(eventually([&] {
        admit_on(instance, limiter, "busy", {{1'000'000, 1s}});
        return limiter.keys() == 1;
    }));
    LeasedRateLimiter small{instance.client, {10, 1}};
    for (int i = 0; i < 200; ++i) admit_on(instance, small, "key" + std::to_string(i), {{10, 60s}});
    EXPECT_LE(small.keys(), 10U);
}

namespace {

struct Admissions {
    std::mutex mutex;
    std::vector<policy::BootMoment> times;
    std::atomic<int> rejected{0};
};

awaitable<bool> hammer(LeasedRateLimiter& limiter, RateLimit limit, Admissions& admissions, std::size_t enough) {
    runtime::Timer pause{co_await boost::asio::this_coro::executor};
    for (;;) {
        std::vector<RateLimit> limits(1, limit);
        const auto decision = co_await admit(limiter, "hot", std::move(limits), 1);
        const auto now = runtime::boot_now();
        if (decision.verdict == Verdict::rejected) {
            ++admissions.rejected;
            pause.expires_after(1ms);
            co_await pause.async_wait(use_awaitable);
        } else if (decision.verdict == Verdict::admitted) {
            const std::lock_guard lock{admissions.mutex};
            admissions.times.push_back(now);
        }
        const std::lock_guard lock{admissions.mutex};
        if (admissions.times.size() >= enough) co_return true;
    }
}

}  // namespace

TEST(LeasedRateLimiter, TwoInstancesNeverAdmitMoreThanTheLimitInAnyWindow) {
    constexpr RateLimit limit{200, 1s};
    const RedisServer server;
    RedisInstance one{server.settings(patient)};
    RedisInstance two{server.settings(patient)};
    ASSERT_TRUE(one.recovers() && two.recovers());
    LeasedRateLimiter first{one.client};
    LeasedRateLimiter second{two.client};
    Admissions admissions;
    std::vector<std::future<bool>> workers;
    for (std::size_t i = 0; i < 20; ++i) {
        workers.push_back(one.start(i % 2, hammer(first, limit, admissions, 900)));
        workers.push_back(two.start(i % 2, hammer(second, limit, admissions, 900)));
    }
    for (auto& worker : workers) take(worker, 120s);
    auto& times = admissions.times;
    std::sort(times.begin(), times.end());
    EXPECT_GT(admissions.rejected, 0);
    for (std::size_t i = limit.requests; i < times.size(); ++i) {
        // A moment passes between the decision and the look at the clock.
        ASSERT_GE(times[i] - times[i - limit.requests], limit.window - 10ms) << "admission " << i;
    }
}

TEST(LiveInstances, AreCountedWhileTheyBeat) {
    const RedisServer server;
    RedisInstance one{server.settings(patient)};
    RedisInstance two{server.settings(patient)};
    ASSERT_TRUE(one.recovers() && two.recovers());
    std::atomic<int> beats{0};
    const auto count = [&beats]() -> awaitable<void> {
        ++beats;
        co_return;
    };
    LiveInstances first{one.client, 5, count};
    EXPECT_EQ(first.count(), 5U) << "before the first answer what is expected";
    first.start();
    EXPECT_TRUE(eventually([&] { return first.count() == 1; }));
    {
        LiveInstances second{two.client, 1, count};
        second.start();
        EXPECT_TRUE(eventually([&] { return first.count() == 2; }));
    }
    EXPECT_TRUE(eventually([&] { return first.count() == 1; })) << "one that stopped is forgotten";
    EXPECT_GT(beats, 2);
}

TEST(LeasedRateLimiter, WhoeverWaitsAsLongAsTheLastAdmissionSaysIsAdmitted) {
    const RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    LeasedRateLimiter limiter{instance.client};
    struct Waiting {
        std::uint64_t requests;
        std::chrono::milliseconds window;
        std::chrono::seconds wait{0};  // as it stands in `RateLimit` and `Retry-After`: whole seconds
        TimePoint from{};
    };
    std::vector<Waiting> clients{{1, 1s}, {2, 3s}, {4, 8s}, {1, 2s}, {3, 1s}};
    bool refused = false;
    const auto ask = [&](std::size_t client) {
        const auto& [requests, window, wait, from] = clients[client];
        return admit_on(instance, limiter, (refused ? "refused" : "client") + std::to_string(client),
                        {{requests, window, {}}});
    };
    for (const bool refused_first : {false, true}) {
        refused = refused_first;
        for (std::size_t i = 0; i < clients.size(); ++i) {
            auto last = ask(i);
            while (last.verdict == Verdict::admitted && last.remaining != 0) last = ask(i);
            auto wait = last.reset_after;
            if (refused_first || last.verdict == Verdict::rejected) {
                last = ask(i);
                ASSERT_EQ(last.verdict, Verdict::rejected);
                wait = last.retry_after;
            }
            clients[i].wait = std::chrono::ceil<std::chrono::seconds>(wait);
            clients[i].from = Clock::now();
        }
        std::vector<std::size_t> order(clients.size());
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
        const auto ready = [&](std::size_t i) { return clients[i].from + clients[i].wait; };
        std::sort(order.begin(), order.end(), [&](auto a, auto b) { return ready(a) < ready(b); });
        for (const auto i : order) {
            ASSERT_TRUE(eventually([&] { return Clock::now() >= ready(i); }));
            EXPECT_EQ(ask(i).verdict, Verdict::admitted) << clients[i].requests << " in " << clients[i].window.count()
                                                         << " ms after " << clients[i].wait.count() << " s";
        }
    }
}

}  // namespace sluice::redis

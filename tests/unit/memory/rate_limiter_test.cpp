#include "memory/rate_limiter.hpp"

#include "support/run.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace sluice::memory {

using namespace std::chrono_literals;
using Verdict = RateDecision::Verdict;

namespace {

constexpr RateLimit three_in_ten{3, 10s};

RateDecision acquire(RateLimiter& limiter, std::string_view key, const RateLimit& limit) {
    return limiter.acquire_now({key, limit});
}

class MemoryRateLimiterTest : public testing::Test {
protected:
    TimePoint now{1h};
    RateLimiter limiter{{1000, 4}, [this] { return now; }};
};

}  // namespace

TEST_F(MemoryRateLimiterTest, CountsEachKeyAlone) {
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(acquire(limiter, "a", three_in_ten).verdict, Verdict::admitted);
        EXPECT_EQ(acquire(limiter, "b", three_in_ten).verdict, Verdict::admitted);
    }
    EXPECT_EQ(acquire(limiter, "a", three_in_ten).verdict, Verdict::rejected);
    EXPECT_EQ(acquire(limiter, "c", three_in_ten).verdict, Verdict::admitted);
}

TEST_F(MemoryRateLimiterTest, AnswersThroughThePort) {
    sluice::RateLimiter& port = limiter;
    const auto decision = test::run(port.acquire({"a", three_in_ten}, Deadline::never()));
    EXPECT_EQ(decision.verdict, Verdict::admitted);
    EXPECT_EQ(decision.remaining, 2u);
    EXPECT_EQ(decision.reset_after, 10s);
    EXPECT_EQ(decision.retry_after, 0s);
}

TEST_F(MemoryRateLimiterTest, TimesAreRoundedUpSoThatWaitingIsEnough) {
    for (int i = 0; i < 3; ++i) acquire(limiter, "a", three_in_ten);
    now += 1s + 1ns;
    const auto decision = acquire(limiter, "a", three_in_ten);
    EXPECT_EQ(decision.verdict, Verdict::rejected);
    EXPECT_EQ(decision.retry_after, 9s);
    EXPECT_EQ(decision.reset_after, 9s);
    now += decision.retry_after;
    EXPECT_EQ(acquire(limiter, "a", three_in_ten).verdict, Verdict::admitted);
}

TEST_F(MemoryRateLimiterTest, ForgetsKeysWhoseWindowIsEmpty) {
    for (int i = 0; i < 400; ++i) acquire(limiter, "key" + std::to_string(i), three_in_ten);
    EXPECT_EQ(limiter.keys(), 400u);
    now += 10s;
    for (int i = 0; i < 2000; ++i) acquire(limiter, "other" + std::to_string(i % 20), {1'000'000, 10s});
    EXPECT_EQ(limiter.keys(), 20u);
}

TEST_F(MemoryRateLimiterTest, ForgetsOnlyThose) {
    for (int i = 0; i < 100; ++i) acquire(limiter, "long" + std::to_string(i), {1, 60s});
    for (int i = 0; i < 100; ++i) acquire(limiter, "short" + std::to_string(i), {1, 1s});
    now += 30s;
    for (int i = 0; i < 2000; ++i) acquire(limiter, "other" + std::to_string(i % 20), {1'000'000, 60s});
    EXPECT_EQ(limiter.keys(), 120u);
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(acquire(limiter, "long" + std::to_string(i), {1, 60s}).verdict, Verdict::rejected) << i;
    }
}

TEST_F(MemoryRateLimiterTest, AKeyThatMayDoNothingIsNotRemembered) {
    const auto decision = acquire(limiter, "a", {0, 10s});
    EXPECT_EQ(decision.verdict, Verdict::rejected);
    EXPECT_EQ(decision.retry_after, 10s);
    EXPECT_EQ(acquire(limiter, "a", {5, 0ms}).verdict, Verdict::rejected);
    EXPECT_EQ(limiter.keys(), 0u);
}

TEST_F(MemoryRateLimiterTest, KeepsAtMostMaxKeysAndRefusesNobodyForIt) {
    for (int i = 0; i < 20'000; ++i) {
        ASSERT_EQ(acquire(limiter, "key" + std::to_string(i), three_in_ten).verdict, Verdict::admitted);
    }
    EXPECT_LE(limiter.keys(), 1000u);
    EXPECT_GE(limiter.keys(), 900u);
}

TEST_F(MemoryRateLimiterTest, AFloodOfKeysDoesNotFreeOneThatKeepsCalling) {
    RateLimiter small{{100, 1}, [this] { return now; }};
    int admitted = 0;
    for (int i = 0; i < 10'000; ++i) {
        now += 1ms;
        acquire(small, "flood" + std::to_string(i), {1, 5s});
        if (i % 10 == 0 && acquire(small, "steady", {1000, 10min}).verdict == Verdict::admitted) ++admitted;
    }
    EXPECT_EQ(admitted, 1000);
    EXPECT_EQ(acquire(small, "steady", {1000, 10min}).verdict, Verdict::rejected);
}

TEST(MemoryRateLimiter, NeverOverAdmitsFromManyThreads) {
    const TimePoint now{1h};
    RateLimiter limiter{{}, [now] { return now; }};
    std::atomic<int> admitted = 0;
    auto work = [&] {
        for (int i = 0; i < 2000; ++i) {
            if (acquire(limiter, "shared", {1000, 60s}).verdict == Verdict::admitted) ++admitted;
            acquire(limiter, "key" + std::to_string(i), {1000, 60s});
        }
    };
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int t = 0; t < 4; ++t) threads.emplace_back(work);
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(admitted, 1000);
    EXPECT_EQ(limiter.keys(), 2001u);
}
TEST_F(MemoryRateLimiterTest, SeveralLimitsHoldAllOrNothing) {
    const std::vector<RateLimit> limits{{2, 1s}, {3, 60s}, {5, 60s, "GET /x"}};
    const RateRequest request{"a", limits};
    auto decision = limiter.acquire_now(request);
    EXPECT_EQ(decision.verdict, Verdict::admitted);
    EXPECT_EQ(decision.limit, 0U);
    EXPECT_EQ(decision.remaining, 1U);
    limiter.acquire_now(request);
    for (int i = 0; i < 10; ++i) {
        decision = limiter.acquire_now(request);
        EXPECT_EQ(decision.verdict, Verdict::rejected);
        EXPECT_EQ(decision.limit, 0U);
        EXPECT_EQ(decision.retry_after, 1s);
    }
    now += 1s;
    decision = limiter.acquire_now(request);
    EXPECT_EQ(decision.verdict, Verdict::admitted) << "what one limit rejected cost nothing in the others";
    EXPECT_EQ(decision.limit, 1U);
    EXPECT_EQ(decision.remaining, 0U);
    decision = limiter.acquire_now(request);
    EXPECT_EQ(decision.verdict, Verdict::rejected);
    EXPECT_EQ(decision.limit, 1U);
    EXPECT_EQ(limiter.acquire_now({"a", limits[2]}).remaining, 1U) << "a scope is counted apart";
}

TEST_F(MemoryRateLimiterTest, ADearRequestCountsAsSeveral) {
    EXPECT_EQ(limiter.acquire_now({"a", three_in_ten, 2}).remaining, 1U);
    EXPECT_EQ(limiter.acquire_now({"a", three_in_ten, 2}).verdict, Verdict::rejected);
    EXPECT_EQ(limiter.acquire_now({"a", three_in_ten, 1}).verdict, Verdict::admitted);
    const auto never = limiter.acquire_now({"b", three_in_ten, 4});
    EXPECT_EQ(never.verdict, Verdict::rejected);
    EXPECT_EQ(never.retry_after, 10s);
}

TEST_F(MemoryRateLimiterTest, KeepsItsShareWhileSeveralInstancesDo) {
    const RateLimit limit{10, 10s};
    int admitted = 0;
    for (int i = 0; i < 20; ++i) admitted += limiter.acquire_now({"a", limit}, 3).verdict == Verdict::admitted ? 1 : 0;
    EXPECT_EQ(admitted, 3);
}

}  // namespace sluice::memory

#include "policy/failure_rate.hpp"
#include "policy/circuit_breaker.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <thread>
#include <vector>

namespace sluice::policy {

using namespace std::chrono_literals;
using State = CircuitBreaker::State;
using Reason = CircuitBreaker::Reason;
using Verdict = FailureRate::Verdict;

namespace {

constexpr TimePoint start{1h};

CircuitBreaker::Settings by_rate() {
    CircuitBreaker::Settings settings;
    settings.rate = FailureRate::Settings{.failed_percent = 50, .calls = 20, .window = 10s, .slow = 2s, .slow_percent = 80};
    settings.reset = 30s;
    return settings;
}

void call(CircuitBreaker& breaker, TimePoint now, bool failed, Duration took = 0s) {
    auto permit = breaker.try_acquire(now - took);
    ASSERT_TRUE(permit);
    if (failed)
        permit->fail(now);
    else
        permit->succeed(now);
}

}  // namespace

TEST(FailureRate, SaysNothingBelowItsNumberOfCalls) {
    FailureRate rate{{}};
    for (int i = 0; i < 19; ++i) EXPECT_EQ(rate.count(start, true, false), Verdict::well);
    EXPECT_EQ(rate.count(start, true, false), Verdict::failing);
}

TEST(FailureRate, ForgetsWhatIsOlderThanItsWindow) {
    FailureRate rate{{}};
    for (int i = 0; i < 19; ++i) rate.count(start, true, false);
    EXPECT_EQ(rate.count(start + 10s, true, false), Verdict::well) << "the nineteen are gone";
    for (int i = 0; i < 18; ++i) EXPECT_EQ(rate.count(start + 10s, true, false), Verdict::well);
    EXPECT_EQ(rate.count(start + 19s, true, false), Verdict::failing) << "these are not";
}

// Against the list of all calls, kept whole.
TEST(FailureRate, RandomCallsAreCountedAsAListWouldCountThem) {
    for (unsigned seed = 0; seed < 50; ++seed) {
        std::mt19937 random{seed};
        const FailureRate::Settings settings{.failed_percent = 1 + static_cast<unsigned>(random() % 100),
                                             .calls = 1 + static_cast<unsigned>(random() % 30),
                                             .window = 10s,
                                             .slow = 1s,
                                             .slow_percent = 1 + static_cast<unsigned>(random() % 100)};
        FailureRate rate{settings};
        struct Call {
            std::int64_t second;
            bool failed, slow;
        };
        std::deque<Call> calls;
        auto now = start;
        for (int step = 0; step < 1000; ++step) {
            now += std::chrono::milliseconds{random() % 100 == 0 ? random() % 15'000 : random() % 300};
            const auto second = now.time_since_epoch() / 1s;
            calls.push_back({second, random() % 3 == 0, random() % 4 == 0});
            while (calls.front().second <= second - 10) calls.pop_front();
            std::size_t failed = 0;
            std::size_t slow = 0;
            for (const auto& one : calls) {
                failed += one.failed;
                slow += one.slow;
            }
            auto expected = Verdict::well;
            if (calls.size() >= settings.calls && failed * 100 >= calls.size() * settings.failed_percent)
                expected = Verdict::failing;
            else if (calls.size() >= settings.calls && slow * 100 >= calls.size() * settings.slow_percent)
                expected = Verdict::slow;
            ASSERT_EQ(rate.count(now, calls.back().failed, calls.back().slow), expected)
                << "seed " << seed << " step " << step;
        }
    }
}

TEST(BreakerByRate, OpensAtItsShareOfFailures) {
    CircuitBreaker breaker{by_rate()};
    for (int i = 0; i < 10; ++i) call(breaker, start, false);
    for (int i = 0; i < 9; ++i) call(breaker, start, true);
    EXPECT_EQ(breaker.state(start), State::closed) << "19 calls say nothing";
    call(breaker, start, true);
    EXPECT_EQ(breaker.state(start), State::open);
    EXPECT_EQ(breaker.reason(), Reason::rate);
    EXPECT_EQ(breaker.retry_after(start), 30s);
}

TEST(BreakerByRate, OpensWhenCallsAreSlow) {
    CircuitBreaker breaker{by_rate()};
    std::vector<CircuitBreaker::Permit> permits;
    for (int i = 0; i < 20; ++i) permits.push_back(std::move(*breaker.try_acquire(start)));
    for (int i = 0; i < 4; ++i) permits[static_cast<std::size_t>(i)].succeed(start + 1999ms);
    for (int i = 4; i < 19; ++i) permits[static_cast<std::size_t>(i)].succeed(start + 2s);
    EXPECT_EQ(breaker.state(start + 2s), State::closed);
    permits[19].succeed(start + 2s);
    EXPECT_EQ(breaker.state(start + 2s), State::open);
    EXPECT_EQ(breaker.reason(), Reason::slow);
}

TEST(BreakerByRate, ASlowTrialCallIsNoSuccess) {
    CircuitBreaker breaker{by_rate()};
    for (int i = 0; i < 20; ++i) call(breaker, start, true);
    auto permit = breaker.try_acquire(start + 30s);
    ASSERT_TRUE(permit);
    permit->succeed(start + 32s);
    EXPECT_EQ(breaker.state(start + 32s), State::open);
    EXPECT_EQ(breaker.reason(), Reason::probe);
}

TEST(BreakerByRate, BeginsAnewWhenItHasClosed) {
    CircuitBreaker breaker{by_rate()};
    for (int i = 0; i < 20; ++i) call(breaker, start, true);
    for (int i = 0; i < 3; ++i) call(breaker, start + 30s, false);
    ASSERT_EQ(breaker.state(start + 30s), State::closed);
    for (int i = 0; i < 19; ++i) call(breaker, start + 30s, true);
    EXPECT_EQ(breaker.state(start + 30s), State::closed);
}

TEST(BreakerReset, DoublesWhileTrialCallsFailAndIsShortAgainAfterwards) {
    CircuitBreaker::Settings settings;
    settings.reset = 10s;
    settings.longest_reset = 8;
    settings.probes = 1;
    CircuitBreaker breaker{settings};
    for (int i = 0; i < 5; ++i) call(breaker, start, true);
    auto now = start;
    for (const auto expected : {10s, 20s, 40s, 80s, 80s}) {
        EXPECT_EQ(breaker.retry_after(now), expected);
        now += expected;
        call(breaker, now, true);
    }
    now += 80s;
    call(breaker, now, false);
    ASSERT_EQ(breaker.state(now), State::closed);
    for (int i = 0; i < 5; ++i) call(breaker, now, true);
    EXPECT_EQ(breaker.retry_after(now), 10s);
    EXPECT_EQ(breaker.reason(), Reason::failures);
}

TEST(BreakerReset, VariesByTenPercent) {
    const auto open_for = [](std::uint64_t (*random)()) {
        CircuitBreaker::Settings settings;
        settings.failures = 1;
        settings.reset = 10s;
        settings.random = random;
        CircuitBreaker breaker{settings};
        call(breaker, start, true);
        return breaker.retry_after(start);
    };
    EXPECT_EQ(open_for([] { return std::uint64_t{0}; }), 9s);
    EXPECT_EQ(open_for([] { return std::uint64_t{2'000'000'000}; }), 11s);
    EXPECT_EQ(open_for([] { return std::uint64_t{1'000'000'000}; }), 10s);
    EXPECT_EQ(open_for([] { return std::uint64_t{2'000'000'001}; }), 9s) << "and no further";
}

TEST(BreakerByRate, RandomInterleavingsOfManyThreadsLeakNoPermit) {
    auto settings = by_rate();
    settings.rate->calls = 4;
    settings.reset = 1ms;
    settings.longest_reset = 4;
    CircuitBreaker breaker{settings};
    std::atomic<std::int64_t> clock{0};
    const auto work = [&](unsigned seed) {
        std::mt19937 random{seed};
        for (int i = 0; i < 20'000; ++i) {
            const TimePoint now = start + std::chrono::microseconds{clock += 10};
            auto permit = breaker.try_acquire(now);
            if (!permit) continue;
            switch (random() % 4) {
                case 0:
                    permit->succeed(now);
                    break;
                case 1:
                    permit->fail(now);
                    break;
                case 2:
                    permit->abandon();
                    break;
                default:
                    break;  // dropped
            }
        }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 4; ++i) threads.emplace_back(work, i);
    for (auto& thread : threads) thread.join();
    auto now = start + 1h;
    for (int i = 0; i < 3; ++i) call(breaker, now, false);  // had one leaked, fewer than three would be admitted
    for (int i = 0; i < 3; ++i) call(breaker, now, false);
    EXPECT_EQ(breaker.state(now), State::closed);
}

}  // namespace sluice::policy

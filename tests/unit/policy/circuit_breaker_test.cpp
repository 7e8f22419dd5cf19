#include "policy/circuit_breaker.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

namespace sluice::policy {

using namespace std::chrono_literals;
using State = CircuitBreaker::State;

namespace {

constexpr TimePoint start{1h};

class CircuitBreakerTest : public testing::Test {
protected:
    CircuitBreaker breaker{{5, 30s, 3}, [this](State to) { transitions.push_back(to); }};
    std::vector<State> transitions;

    void fail(TimePoint now) { breaker.try_acquire(now).value().fail(now); }
    void succeed(TimePoint now) { breaker.try_acquire(now).value().succeed(); }
    void open(TimePoint now) {
        for (int i = 0; i < 5; ++i) fail(now);
    }
};

}  // namespace

TEST_F(CircuitBreakerTest, OpensAtTheFifthFailure) {
    for (int i = 0; i < 4; ++i) fail(start);
    EXPECT_EQ(breaker.state(start), State::closed);
    fail(start);
    EXPECT_EQ(breaker.state(start), State::open);
    EXPECT_FALSE(breaker.try_acquire(start));
    EXPECT_EQ(transitions, std::vector{State::open});
}

TEST_F(CircuitBreakerTest, ASuccessTakesOneFailureOff) {
    for (int i = 0; i < 100; ++i) {
        fail(start);
        succeed(start);
    }
    for (int i = 0; i < 4; ++i) fail(start);
    EXPECT_EQ(breaker.state(start), State::closed);
    for (int i = 0; i < 2; ++i) succeed(start);
    for (int i = 0; i < 2; ++i) fail(start);
    EXPECT_EQ(breaker.state(start), State::closed);
    fail(start);
    EXPECT_EQ(breaker.state(start), State::open);
}

TEST_F(CircuitBreakerTest, SuccessesAreNotSavedUp) {
    for (int i = 0; i < 100; ++i) succeed(start);
    open(start);
    EXPECT_EQ(breaker.state(start), State::open);
}

TEST_F(CircuitBreakerTest, IsHalfOpenAtOnceWhenTheDependencyWasSeenToComeBack) {
    breaker.probe_now(start);
    EXPECT_EQ(breaker.state(start), State::closed) << "only an open one changes";
    open(start);
    breaker.probe_now(start + 1s);
    EXPECT_EQ(breaker.state(start + 1s), State::half_open);
    EXPECT_EQ(breaker.retry_after(start + 1s), Duration::zero());
    fail(start + 1s);
    EXPECT_EQ(breaker.state(start + 2s), State::open) << "the probes decide";
    breaker.probe_now(start + 2s);
    for (int i = 0; i < 3; ++i) succeed(start + 2s);
    EXPECT_EQ(breaker.state(start + 2s), State::closed);
    EXPECT_EQ(transitions, (std::vector{State::open, State::half_open, State::open, State::half_open, State::closed}));
}

TEST_F(CircuitBreakerTest, RefusesForResetExactly) {
    open(start);
    struct Moment {
        Duration after;
        State state;
        Duration retry_after;
    };
    for (const auto& moment :
         {Moment{0s, State::open, 30s}, Moment{1ns, State::open, 30s - 1ns}, Moment{29s, State::open, 1s},
          Moment{30s - 1ns, State::open, 1ns}, Moment{30s, State::half_open, 0s}, Moment{1h, State::half_open, 0s}}) {
        EXPECT_EQ(breaker.state(start + moment.after), moment.state) << moment.after.count();
        EXPECT_EQ(breaker.retry_after(start + moment.after), moment.retry_after) << moment.after.count();
    }
    EXPECT_FALSE(breaker.try_acquire(start + 30s - 1ns));
    EXPECT_EQ(transitions, std::vector{State::open}) << "asking for the state is no transition";
    EXPECT_TRUE(breaker.try_acquire(start + 30s));
}

TEST_F(CircuitBreakerTest, RetryAfterIsZeroWhileClosed) { EXPECT_EQ(breaker.retry_after(start), 0s); }

TEST_F(CircuitBreakerTest, HalfOpenAdmitsThreeAtOnce) {
    open(start);
    const auto later = start + 30s;
    auto a = breaker.try_acquire(later);
    auto b = breaker.try_acquire(later);
    auto c = breaker.try_acquire(later);
    EXPECT_TRUE(a && b && c);
    EXPECT_FALSE(breaker.try_acquire(later));
    EXPECT_EQ(breaker.retry_after(later), 0s);
    a->succeed();
    auto d = breaker.try_acquire(later);
    EXPECT_TRUE(d) << "a finished probe gives its place back";
    EXPECT_FALSE(breaker.try_acquire(later));
    for (auto* permit : {&b, &c, &d}) (*permit)->abandon();
}

TEST_F(CircuitBreakerTest, ThreeSuccessesCloseIt) {
    open(start);
    const auto later = start + 30s;
    succeed(later);
    succeed(later);
    EXPECT_EQ(breaker.state(later), State::half_open);
    succeed(later);
    EXPECT_EQ(breaker.state(later), State::closed);
    EXPECT_EQ(transitions, (std::vector{State::open, State::half_open, State::closed}));
    for (int i = 0; i < 4; ++i) fail(later);
    EXPECT_EQ(breaker.state(later), State::closed) << "it starts to count anew";
}

TEST_F(CircuitBreakerTest, OneFailureWhileHalfOpenOpensItForAnotherReset) {
    open(start);
    const auto later = start + 40s;
    succeed(later);
    succeed(later);
    fail(later);
    EXPECT_EQ(breaker.state(later), State::open);
    EXPECT_EQ(breaker.retry_after(later), 30s);
    EXPECT_FALSE(breaker.try_acquire(later + 30s - 1ns));
    EXPECT_TRUE(breaker.try_acquire(later + 30s));
    EXPECT_EQ(transitions, (std::vector{State::open, State::half_open, State::open, State::half_open, State::open}))
        << "the last probe was dropped";
}

TEST_F(CircuitBreakerTest, DroppedPermitCountsAsFailure) {
    for (int i = 0; i < 4; ++i) fail(start);
    { auto permit = breaker.try_acquire(start); }
    EXPECT_EQ(breaker.state(start), State::open);
}

TEST_F(CircuitBreakerTest, AnExceptionBetweenCallAndWordIsAFailure) {
    for (int i = 0; i < 5; ++i) {
        try {
            auto permit = breaker.try_acquire(start);
            throw std::runtime_error{"the call failed"};
        } catch (const std::runtime_error&) {
        }
    }
    EXPECT_EQ(breaker.state(start), State::open);
}

TEST_F(CircuitBreakerTest, DroppedPermitFailsAtTheLatestMomentSeen) {
    for (int i = 0; i < 4; ++i) fail(start);
    auto slow = breaker.try_acquire(start);
    breaker.try_acquire(start + 7s)->abandon();
    slow.reset();
    EXPECT_EQ(breaker.retry_after(start + 7s), 30s);
}

TEST_F(CircuitBreakerTest, FailureIsTimedWhenItIsKnown) {
    for (int i = 0; i < 4; ++i) fail(start);
    breaker.try_acquire(start)->fail(start + 5s);
    EXPECT_EQ(breaker.retry_after(start + 5s), 30s);
}

TEST_F(CircuitBreakerTest, AbandonedPermitChangesNothing) {
    for (int i = 0; i < 4; ++i) fail(start);
    for (int i = 0; i < 10; ++i) breaker.try_acquire(start)->abandon();
    EXPECT_EQ(breaker.state(start), State::closed);
    fail(start);
    EXPECT_EQ(breaker.state(start), State::open) << "it took nothing off either";
    const auto later = start + 30s;
    for (int i = 0; i < 10; ++i) breaker.try_acquire(later)->abandon();
    EXPECT_EQ(breaker.state(later), State::half_open);
}

TEST_F(CircuitBreakerTest, APermitSpeaksOnce) {
    auto permit = breaker.try_acquire(start);
    permit->fail(start);
    permit->fail(start);
    permit->succeed();
    permit.reset();
    for (int i = 0; i < 3; ++i) fail(start);
    EXPECT_EQ(breaker.state(start), State::closed);
    fail(start);
    EXPECT_EQ(breaker.state(start), State::open);
}

TEST_F(CircuitBreakerTest, MovedPermitSpeaksForBoth) {
    for (int i = 0; i < 4; ++i) fail(start);
    {
        auto permit = breaker.try_acquire(start);
        CircuitBreaker::Permit moved = std::move(*permit);
        permit.reset();
        EXPECT_EQ(breaker.state(start), State::closed);
        moved.succeed();
    }
    for (int i = 0; i < 1; ++i) fail(start);
    EXPECT_EQ(breaker.state(start), State::closed);
}

TEST_F(CircuitBreakerTest, AssigningOverAPermitDropsIt) {
    for (int i = 0; i < 4; ++i) fail(start);
    CircuitBreaker::Permit permit = *breaker.try_acquire(start);
    CircuitBreaker::Permit other = *breaker.try_acquire(start);
    permit = std::move(other);
    EXPECT_EQ(breaker.state(start), State::open);
}

TEST_F(CircuitBreakerTest, PermitOfAnEarlierGenerationChangesNothing) {
    std::vector<std::optional<CircuitBreaker::Permit>> old;
    old.reserve(30);
    for (int i = 0; i < 30; ++i) old.push_back(breaker.try_acquire(start));
    open(start);
    const auto opened = transitions;
    for (int i = 0; i < 10; ++i) old[static_cast<std::size_t>(i)]->fail(start + 10s);
    EXPECT_EQ(breaker.retry_after(start + 10s), 20s) << "late failures do not make it longer";

    const auto later = start + 30s;
    auto probe = breaker.try_acquire(later);
    for (std::size_t i = 10; i < 15; ++i) old[i]->succeed();
    EXPECT_EQ(breaker.state(later), State::half_open) << "late successes do not close it";
    for (std::size_t i = 15; i < 20; ++i) old[i]->fail(later);
    EXPECT_EQ(breaker.state(later), State::half_open) << "late failures do not open it";
    for (std::size_t i = 20; i < 25; ++i) old[i]->abandon();
    auto second = breaker.try_acquire(later);
    auto third = breaker.try_acquire(later);
    EXPECT_TRUE(second && third);
    EXPECT_FALSE(breaker.try_acquire(later)) << "late permits give no probe's place back";
    probe->succeed();
    second->succeed();
    third->succeed();
    EXPECT_EQ(breaker.state(later), State::closed);
    old.clear();
    EXPECT_EQ(breaker.state(later), State::closed);
    EXPECT_EQ(transitions.size(), opened.size() + 2);
}

TEST_F(CircuitBreakerTest, ProbesLeftOverFromBeforeItClosedChangeNothing) {
    open(start);
    const auto later = start + 30s;
    auto slow = breaker.try_acquire(later);
    auto slower = breaker.try_acquire(later);
    for (int i = 0; i < 3; ++i) succeed(later);
    EXPECT_EQ(breaker.state(later), State::closed);
    slow->fail(later);
    slower.reset();
    for (int i = 0; i < 4; ++i) fail(later);
    EXPECT_EQ(breaker.state(later), State::closed);
}

TEST_F(CircuitBreakerTest, TimeThatGoesBackCountsAsTheLatest) {
    open(start + 10s);
    EXPECT_FALSE(breaker.try_acquire(start));
    EXPECT_EQ(breaker.retry_after(start), 30s);
    EXPECT_EQ(breaker.state(start), State::open);
}

TEST(CircuitBreaker, ListenerMayAskTheBreaker) {
    State seen = State::closed;
    CircuitBreaker* self = nullptr;
    CircuitBreaker breaker{{1, 1s, 1}, [&](State) { seen = self->state(start); }};
    self = &breaker;
    breaker.try_acquire(start)->fail(start);
    EXPECT_EQ(seen, State::open);
}

TEST(CircuitBreaker, RefusesSettingsThatMakeNoSense) {
    EXPECT_THROW((CircuitBreaker{{0, 30s, 3}}), std::invalid_argument);
    EXPECT_THROW((CircuitBreaker{{5, 30s, 0}}), std::invalid_argument);
    EXPECT_THROW((CircuitBreaker{{5, -1s, 3}}), std::invalid_argument);
}

// Random interleavings against the rules written down once more, as plainly as possible.
TEST(CircuitBreaker, RandomInterleavingsFollowTheRules) {
    struct Model {
        State state = State::closed;
        unsigned failures = 0, under_way = 0, successes = 0, generation = 0;
        TimePoint opened;
        void become(State to, TimePoint now) {
            state = to;
            failures = under_way = successes = 0;
            ++generation;
            if (to == State::open) opened = now;
        }
    };
    for (unsigned seed = 0; seed < 200; ++seed) {
        std::mt19937 engine{seed};
        auto random = [&engine] { return static_cast<unsigned>(engine()); };
        const CircuitBreaker::Settings settings{1 + random() % 5, std::chrono::seconds{1 + random() % 5}, 1 + random() % 4};
        std::vector<State> told;
        std::vector<State> expected;
        CircuitBreaker breaker{settings, [&](State to) { told.push_back(to); }};
        Model model;
        auto become = [&](State to, TimePoint now) {
            model.become(to, now);
            expected.push_back(to);
        };
        std::vector<std::pair<CircuitBreaker::Permit, unsigned>> held;
        TimePoint now = start;
        for (int step = 0; step < 500; ++step) {
            now += std::chrono::milliseconds{random() % 400};
            if (random() % 2 == 0) {
                if (model.state == State::open && now - model.opened >= settings.reset) become(State::half_open, now);
                const bool admitted =
                    model.state == State::closed || (model.state == State::half_open && model.under_way < settings.probes);
                if (admitted && model.state == State::half_open) ++model.under_way;
                auto permit = breaker.try_acquire(now);
                ASSERT_EQ(permit.has_value(), admitted);
                if (permit) held.emplace_back(std::move(*permit), model.generation);
            } else if (!held.empty()) {
                const auto i = static_cast<std::ptrdiff_t>(random() % held.size());
                auto [permit, generation] = std::move(held[static_cast<std::size_t>(i)]);
                held.erase(held.begin() + i);
                const unsigned outcome = random() % 3;
                if (outcome == 0) permit.succeed();
                if (outcome == 1) permit.fail(now);
                if (outcome == 2) permit.abandon();
                if (generation == model.generation && model.state == State::closed) {
                    if (outcome == 0 && model.failures > 0) --model.failures;
                    if (outcome == 1 && ++model.failures == settings.failures) become(State::open, now);
                } else if (generation == model.generation && model.state == State::half_open) {
                    --model.under_way;
                    if (outcome == 0 && ++model.successes == settings.probes) become(State::closed, now);
                    if (outcome == 1) become(State::open, now);
                }
            }
            const bool waited = model.state == State::open && now - model.opened >= settings.reset;
            ASSERT_EQ(breaker.state(now), waited ? State::half_open : model.state) << "seed " << seed << " step " << step;
            ASSERT_EQ(told, expected);
        }
        for (auto& [permit, generation] : held) permit.abandon();
    }
}

TEST(CircuitBreaker, NeverMoreThanProbesAtOnceFromManyThreads) {
    std::atomic<int> to_half_open = 0;
    CircuitBreaker breaker{{1, 1s, 3}, [&](State to) { to_half_open += to == State::half_open; }};
    breaker.try_acquire(start)->fail(start);
    std::atomic<int> under_way = 0;
    std::atomic<int> most = 0;
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 5000; ++i) {
                auto permit = breaker.try_acquire(start + 1s);
                if (!permit) continue;
                const int now_under_way = ++under_way;
                for (int seen = most; now_under_way > seen && !most.compare_exchange_weak(seen, now_under_way);) {
                }
                --under_way;
                permit->abandon();
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_GE(most, 1);
    EXPECT_LE(most, 3);
    EXPECT_EQ(to_half_open, 1);
}

TEST(CircuitBreaker, CountsFailuresOfManyThreads) {
    CircuitBreaker breaker{{4000, 1s, 3}};
    auto work = [&] {
        for (int i = 0; i < 1000; ++i) breaker.try_acquire(start)->fail(start);
    };
    std::vector<std::thread> threads;
    threads.reserve(3);
    for (int t = 0; t < 3; ++t) threads.emplace_back(work);
    for (auto& thread : threads) thread.join();
    for (int i = 0; i < 999; ++i) breaker.try_acquire(start)->fail(start);
    EXPECT_EQ(breaker.state(start), State::closed);
    breaker.try_acquire(start)->fail(start);
    EXPECT_EQ(breaker.state(start), State::open);
}

}  // namespace sluice::policy

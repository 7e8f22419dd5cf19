#include "policy/lease.hpp"

#include "support/lease_simulation.hpp"

#include <gtest/gtest.h>

#include <iostream>

namespace sluice::policy {

using namespace std::chrono_literals;
using test::LeaseSimulation;
using Bug = LeaseSimulation::Bug;

namespace {

constexpr BootMoment start = 1h;
constexpr LeaseTerms minute = LeaseTerms::of(60s);

}  // namespace

TEST(LeaseTerms, FollowFromTheWindow) {
    struct Case {
        std::chrono::microseconds window, life, bucket, guard;
    };
    for (const auto& one : {Case{1s, 25ms, 1'666us, 20ms}, Case{10s, 250ms, 16'666us, 20ms}, Case{60s, 250ms, 100ms, 120ms},
                            Case{24h, 250ms, 144s, 172'800ms}, Case{31 * 24h, 250ms, 4'464s, 5'356'800ms}}) {
        const auto terms = LeaseTerms::of(one.window);
        EXPECT_EQ(terms.life, one.life);
        EXPECT_EQ(terms.bucket, one.bucket);
        EXPECT_EQ(terms.guard, one.guard);
        EXPECT_EQ(terms.hold, one.window + one.life + one.guard);
    }
}

TEST(Lease, TokensLiveFromBeforeTheQuestionWasSent) {
    Lease lease;
    EXPECT_FALSE(lease.spend(start, 1));
    EXPECT_EQ(lease.ask(start, 1, 0, 100, minute), 1U) << "a cold key asks for one";
    EXPECT_TRUE(lease.asking());
    lease.answered(start, start + 200ms, 1, {3, 97, 60s, 0us}, minute);
    EXPECT_FALSE(lease.asking());
    EXPECT_TRUE(lease.spend(start + 200ms, 1));
    EXPECT_EQ(lease.remaining(start + 200ms), 99U);
    EXPECT_TRUE(lease.spend(start + 249'749us, 1));
    EXPECT_FALSE(lease.spend(start + 249'750us, 1)) << "0.999 lives";
    EXPECT_EQ(lease.remaining(start + 249'750us), 97U);
}

TEST(Lease, ADenialIsRememberedForAWhile) {
    struct Case {
        std::chrono::microseconds retry;
        std::chrono::nanoseconds remembered;
    };
    for (const auto& one : {Case{1ms, 125ms}, Case{800ms, 800ms}, Case{50s, 2s}}) {
        Lease lease;
        lease.ask(start, 5, 0, 100, minute);
        lease.answered(start, start + 1ms, 5, {0, 3, 50s, one.retry}, minute);
        const auto until = start + 1ms + one.remembered;
        EXPECT_TRUE(lease.denies(until - 1ns, 5));
        EXPECT_FALSE(lease.denies(until, 5));
        EXPECT_FALSE(lease.denies(start + 1ms, 3)) << "what costs less may still fit";
        EXPECT_EQ(lease.retry(start + 1ms), one.retry);
        EXPECT_EQ(lease.retry(start + 1h), 0ns);
    }
}

TEST(Lease, AsksForWhatItWillNeed) {
    Lease lease;
    lease.arrived(1);
    EXPECT_EQ(lease.ask(start, 2, 7, 100, minute), 9U) << "all that wait";
    lease.unanswered();
    // 1,000 requests a second for some seconds: half a life's are 125.
    const auto want_of = [&](std::uint64_t limit) {
        std::uint64_t want = 0;
        for (auto now = start; now < start + 5s; now += 1ms) {
            lease.arrived(1);
            if (lease.spend(now, 1)) continue;
            want = lease.ask(now, 1, 0, limit, minute);
            lease.answered(now, now, 1, {want, 1'000'000, 60s, 0us}, minute);
            lease.spend(now, 1);
        }
        return want;
    };
    EXPECT_NEAR(static_cast<double>(want_of(1'000'000)), 125, 5);
    lease = {};
    EXPECT_EQ(want_of(10'000), 100U) << "a hundredth of the limit";
    lease = {};
    EXPECT_EQ(want_of(100), 1U);
}

TEST(Lease, RunsLowWhenTheLastEighthIsLeft) {
    Lease lease;
    const auto lease_of = [&](std::uint64_t granted) {
        lease = {};
        lease.ask(start, 1, 0, 100'000, minute);
        lease.answered(start, start, 1, {granted, 50'000, 60s, 0us}, minute);
    };
    lease_of(80);
    EXPECT_FALSE(lease.runs_low(start));
    EXPECT_TRUE(lease.spend(start, 69));
    EXPECT_FALSE(lease.runs_low(start));
    EXPECT_TRUE(lease.spend(start, 1));
    EXPECT_TRUE(lease.runs_low(start));
    EXPECT_FALSE(lease.runs_low(start + 250ms)) << "they have died";
    lease.ask(start, 1, 0, 100'000, minute);
    EXPECT_FALSE(lease.runs_low(start)) << "it is asked for already";
    lease.unanswered();
    EXPECT_TRUE(lease.runs_low(start));
    EXPECT_TRUE(lease.spend(start, 10));
    EXPECT_FALSE(lease.runs_low(start)) << "nothing is left";
    lease_of(63);
    EXPECT_TRUE(lease.spend(start, 60));
    EXPECT_FALSE(lease.runs_low(start)) << "too small";
}

TEST(Lease, TokensOfTwoLeasesEachHaveTheirOwnLife) {
    Lease lease;
    lease.ask(start, 1, 0, 100'000, minute);
    lease.answered(start, start, 1, {80, 900, 60s, 0us}, minute);
    EXPECT_TRUE(lease.spend(start, 75));
    lease.ask(start + 100ms, 1, 0, 100'000, minute);
    lease.answered(start + 100ms, start + 101ms, 1, {100, 800, 60s, 0us}, minute);
    EXPECT_EQ(lease.remaining(start + 101ms), 905U);
    EXPECT_FALSE(lease.spend(start + 101ms, 106));
    EXPECT_TRUE(lease.spend(start + 101ms, 3)) << "of the older ones";
    EXPECT_TRUE(lease.holds(start + 249ms, 102));
    EXPECT_FALSE(lease.holds(start + 250ms, 101)) << "the other two older ones are dead";
    EXPECT_TRUE(lease.holds(start + 250ms, 100));
    EXPECT_TRUE(lease.spend(start + 120ms, 7)) << "across both";
    EXPECT_EQ(lease.remaining(start + 120ms), 895U);
    EXPECT_FALSE(lease.idle(start + 349ms));
    EXPECT_FALSE(lease.spend(start + 350ms, 1));
}

TEST(Lease, KeepsTheTwoYoungest) {
    Lease lease;
    for (const auto sent : {0ms, 10ms, 20ms}) {
        lease.ask(start + sent, 1, 0, 100'000, minute);
        lease.answered(start + sent, start + sent, 1, {10, 900, 60s, 0us}, minute);
    }
    EXPECT_TRUE(lease.holds(start + 20ms, 20));
    EXPECT_FALSE(lease.holds(start + 20ms, 21));
    EXPECT_TRUE(lease.holds(start + 255ms, 20));
    EXPECT_TRUE(lease.holds(start + 265ms, 10));
    EXPECT_FALSE(lease.holds(start + 265ms, 11));
}

TEST(Lease, ADenialDoesNotTakeWhatIsHeld) {
    Lease lease;
    lease.ask(start, 1, 0, 1'000, minute);
    lease.answered(start, start, 1, {80, 0, 60s, 0us}, minute);
    EXPECT_TRUE(lease.spend(start, 78));
    lease.ask(start, 1, 0, 1'000, minute);
    lease.answered(start, start + 1ms, 1, {0, 0, 50s, 40s}, minute);
    EXPECT_FALSE(lease.denies(start + 1ms, 2));
    EXPECT_TRUE(lease.denies(start + 1ms, 3));
    EXPECT_FALSE(lease.runs_low(start + 1ms)) << "the store has said that there is no more";
    EXPECT_TRUE(lease.spend(start + 1ms, 2));
    EXPECT_TRUE(lease.denies(start + 1ms, 1));
}

TEST(Lease, WhatIsUnansweredIsSpent) {
    Lease lease;
    lease.ask(start, 1, 0, 100, minute);
    lease.unanswered();
    EXPECT_FALSE(lease.asking());
    EXPECT_FALSE(lease.holds(start, 1));
    EXPECT_FALSE(lease.denies(start, 1));
}

TEST(Lease, IsIdleOnceForgettingItChangesNothing) {
    Lease lease;
    EXPECT_TRUE(lease.idle(start));
    lease.ask(start, 1, 0, 100, minute);
    EXPECT_FALSE(lease.idle(start + 1h));
    lease.answered(start, start, 1, {1, 9, 60s, 0us}, minute);
    EXPECT_FALSE(lease.idle(start + 999ms));
    EXPECT_TRUE(lease.idle(start + 1s));
}

TEST(Lease, TheLocalShareIsTheLimitByTheInstances) {
    EXPECT_EQ(local_share(100, 1), 100U);
    EXPECT_EQ(local_share(100, 3), 33U);
    EXPECT_EQ(local_share(2, 5), 1U) << "nobody is locked out";
    EXPECT_EQ(local_share(0, 5), 0U);
    EXPECT_EQ(local_share(7, 0), 7U);
}

// ---- the model: see LeaseSimulation ----

TEST(LeaseModel, NoWindowEverHasMoreThanTheLimit) {
    std::uint64_t steps = 0;
    std::uint64_t seed = 0;
    for (const auto window : {1'000ms, 10'000ms, 60'000ms}) {
        for (const std::uint64_t limit : {10, 100, 1'000, 20'000}) {
            if (limit > 1'000 && window > 1s) continue;  // leases that are renewed before they are used up
            for (const unsigned instances : {1U, 3U, 8U}) {
                for (const double demand : {.8, 3.}) {
                    LeaseSimulation::Settings settings;
                    settings.window = window;
                    settings.limit = limit;
                    settings.instances = instances;
                    settings.demand = demand;
                    settings.length = 40 * window;
                    settings.seed = ++seed;
                    const auto outcome = LeaseSimulation{settings}.run();
                    steps += outcome.steps;
                    EXPECT_EQ(outcome.violations, 0U)
                        << "most " << outcome.most << " of " << limit << " in " << window.count() << " ms, " << instances
                        << " instances, seed " << seed;
                    EXPECT_GT(outcome.admitted, limit);
                }
            }
        }
    }
    EXPECT_GE(steps, 1'000'000U);
}

TEST(LeaseModel, UsesNearlyTheWholeLimit) {
    struct Case {
        std::chrono::milliseconds window;
        double least;
    };
    // Without faults, as they waste what they are granted.
    for (const auto& one : {Case{60s, .985}, Case{10s, .96}, Case{1s, .94}}) {
        for (const std::uint64_t limit : {100, 1'000, 10'000}) {
            for (const unsigned instances : {1U, 4U, 16U}) {
                LeaseSimulation::Settings settings;
                settings.window = one.window;
                settings.limit = limit;
                settings.instances = instances;
                settings.faults = false;
                settings.adversaries = 0;
                settings.demand = 2;
                settings.length = 11 * one.window;
                const auto outcome = LeaseSimulation{settings}.run();
                EXPECT_EQ(outcome.violations, 0U);
                std::cout << "window " << one.window.count() << " ms, limit " << limit << ", instances " << instances
                          << ": utilisation " << outcome.utilisation << ", calls per admission "
                          << static_cast<double>(outcome.calls) / static_cast<double>(outcome.admitted) << '\n';
                EXPECT_GE(outcome.utilisation, one.least)
                    << one.window.count() << " ms, limit " << limit << ", instances " << instances;
            }
        }
    }
}

struct Planted {
    Bug bug;
    std::chrono::milliseconds window;  // in which it shows
};

class LeasePlantedBug : public testing::TestWithParam<Planted> {};

TEST_P(LeasePlantedBug, IsFound) {
    const auto violations = [&](Bug bug) {
        std::uint64_t found = 0;
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            LeaseSimulation::Settings settings;
            settings.bug = bug;
            settings.window = GetParam().window;
            settings.length = 60 * settings.window;
            settings.instances = 3;
            settings.adversaries = 1;
            settings.seed = seed;
            found += LeaseSimulation{settings}.run().violations;
        }
        return found;
    };
    EXPECT_GT(violations(GetParam().bug), 0U);
    EXPECT_EQ(violations(Bug::none), 0U) << "and it is the mistake that was found";
}

INSTANTIATE_TEST_SUITE_P(Model, LeasePlantedBug,
                         testing::Values(Planted{Bug::life_from_reply, 1s}, Planted{Bug::hold_without_life, 1s},
                                         Planted{Bug::retry_with_refund, 10s}));

}  // namespace sluice::policy

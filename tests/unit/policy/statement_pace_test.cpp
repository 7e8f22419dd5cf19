#include "policy/statement_pace.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::policy {

using namespace std::chrono_literals;

TEST(StatementPace, IsQuickAfterSomeRunsWhoseMeanIsShort) {
    struct Case {
        std::string name;
        std::vector<Duration> runs;
        bool quick;
    };
    const std::vector<Case> cases{
        {"never run", {}, false},
        {"too few runs", {100us, 100us}, false},
        {"three quick runs", {100us, 100us, 100us}, true},
        {"just quick", {5ms, 5ms, 5ms}, true},
        {"just too slow", {6ms, 6ms, 6ms}, false},
        {"a first run that also connects", {20ms, 100us, 100us, 100us}, false},
        {"and is outweighed in time", {20ms, 0ms, 0ms, 0ms, 0ms, 0ms, 0ms, 0ms, 0ms, 0ms, 0ms, 0ms}, true},
        {"one slow run among quick ones", {1ms, 1ms, 1ms, 30ms}, true},
        {"two of them", {1ms, 1ms, 1ms, 30ms, 30ms}, false},
        {"a clock that went back", {-1ms, -1ms, -1ms}, true},
    };
    for (const auto& one : cases) {
        StatementPace pace;
        for (const auto run : one.runs) pace.observe(run);
        EXPECT_EQ(pace.quick(), one.quick) << one.name;
    }
}

TEST(StatementPace, AnHourCountsAsATenthOfASecond) {
    StatementPace pace;
    for (int i = 0; i < 3; ++i) pace.observe(0ms);
    pace.observe(1h);
    EXPECT_FALSE(pace.quick());
    int runs = 0;
    while (!pace.quick() && runs < 100) {
        pace.observe(0ms);
        ++runs;
    }
    EXPECT_LE(runs, 10);
}

TEST(StatementPace, WhoHoldsOthersUpIsSlowAtOnceAndQuickAgainAfterSomeRuns) {
    StatementPace pace;
    for (int i = 0; i < 100; ++i) pace.observe(100us);
    ASSERT_TRUE(pace.quick());
    pace.held_up(6ms);
    EXPECT_FALSE(pace.quick());
    int runs = 0;
    while (!pace.quick() && runs < 100) {
        pace.observe(100us);
        ++runs;
    }
    EXPECT_GT(runs, 3);
    EXPECT_LE(runs, 10);
}

TEST(StatementPace, HoldingUpNeverMakesItLookQuicker) {
    StatementPace pace;
    for (int i = 0; i < 3; ++i) pace.observe(90ms);
    pace.held_up(20ms);
    EXPECT_EQ(pace.mean(), Duration{90ms});
}

TEST(StatementPace, WhatHasOutgrownTheLoopIsNotQuickForAHundredRuns) {
    StatementPace pace;
    for (int i = 0; i < 10; ++i) pace.observe(std::chrono::microseconds{100});
    ASSERT_TRUE(pace.quick());
    pace.outgrew();
    for (int i = 0; i < 100; ++i) {
        pace.observe(std::chrono::microseconds{100});
        EXPECT_FALSE(pace.quick());
    }
    for (int i = 0; i < 10; ++i) pace.observe(std::chrono::microseconds{100});
    EXPECT_TRUE(pace.quick());
}

}  // namespace sluice::policy

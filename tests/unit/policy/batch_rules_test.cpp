#include "policy/batch_rules.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::policy {

using namespace std::chrono_literals;

TEST(BatchRules, ABatchIsAsLargeAsItsReadsAreQuick) {
    struct Case {
        std::string name;
        std::vector<Duration> waiting;
        std::size_t taken;
    };
    const std::vector<Case> cases{
        {"nobody waits", {}, 0},
        {"one, however slow", {5ms}, 1},
        {"nobody behind a slow one", {5ms, 0ms}, 1},
        {"a slow one ends it", {100us, 5ms, 100us}, 2},
        {"just below the limit there is room for one more", {1ms, 999us, 1ms, 1ms}, 3},
        {"just at it there is not", {1ms, 1ms, 1ms}, 2},
        {"of those that take no time only so many", std::vector<Duration>(100, 0ms), 64},
    };
    for (const auto& one : cases) {
        BatchSize size;
        std::size_t taken = 0;
        while (taken < one.waiting.size() && size.has_room()) size.add(one.waiting[taken++]);
        EXPECT_EQ(taken, one.taken) << one.name;
    }
}

TEST(BatchRules, TheNextBatchGoesWhereItIsAnsweredSoonest) {
    const TimePoint now = TimePoint{} + 1h;
    using Line = LineChoice::Line;
    const Line idle{.idle = true};
    const Line closed{.open = false, .idle = true};
    const auto busy = [&](Duration since, Duration takes) { return Line{true, false, now - since, takes}; };
    struct Case {
        std::string name;
        std::vector<Line> lines;
        std::vector<Duration> waiting;
        std::optional<std::size_t> chosen;
    };
    const std::vector<Case> cases{
        {"there is none", {}, {1ms}, std::nullopt},
        {"an idle one", {idle}, {0ms}, 0},
        {"the first idle one", {busy(0ms, 2ms), idle, idle}, {0ms}, 1},
        {"never one that is closed", {closed}, {1ms}, std::nullopt},
        {"nor is it waited for", {closed, busy(0ms, 1ms)}, {1ms}, std::nullopt},
        {"all are busy", {busy(0ms, 1ms), busy(1ms, 1ms)}, {9ms}, std::nullopt},
        {"one will soon be free, and little waits", {busy(0ms, 500us), idle}, {100us, 300us}, std::nullopt},
        {"one will soon be free, but enough waits", {busy(0ms, 500us), idle}, {100us, 300us, 100us}, 1},
        {"that one may be behind", {idle, busy(1ms, 1ms)}, {100us}, std::nullopt},
        {"it will not be free so soon", {busy(0ms, 501us), idle}, {100us}, 1},
        {"it is a little late", {busy(1500us, 1ms), idle}, {100us}, std::nullopt},
        {"it is so late that nobody knows", {busy(1501us, 1ms), idle}, {100us}, 1},
        {"one of them will soon be free", {busy(0ms, 2ms), idle, busy(1ms, 1ms)}, {100us}, std::nullopt},
        {"a closed one that is soon free counts for nothing", {Line{false, false, now, 100us}, idle}, {100us}, 1},
    };
    for (const auto& one : cases) {
        LineChoice choice{now};
        for (std::size_t i = 0; i < one.lines.size(); ++i) choice.consider(i, one.lines[i]);
        for (std::size_t i = 0; i < one.waiting.size() && !choice.decided(); ++i) choice.add_waiting(one.waiting[i]);
        EXPECT_EQ(choice.chosen(), one.chosen) << one.name;
    }
}

TEST(BatchRules, AHundredReadsThatWaitAreNotAllLookedAt) {
    LineChoice choice{TimePoint{} + 1h};
    choice.consider(0, {.idle = true});
    EXPECT_TRUE(choice.decided()) << "nothing of what waits matters";
}

TEST(BatchRules, ASlowBatchIsCancelledAndAHopelessOneIsDoneByWorkers) {
    struct Case {
        std::string name;
        Duration so_far;
        bool wanted;
        std::size_t unanswered;
        bool known_slow;
        BatchCare care;
    };
    const std::vector<Case> cases{
        {"it has just begun", 0ms, true, 5, false, {}},
        {"nearly slow", 19999us, true, 5, false, {}},
        {"nearly slow, for nobody", 19999us, false, 5, false, {}},
        {"slow, and nobody knows which", 20ms, true, 2, false, {true, false, false, true}},
        {"still", 200ms, true, 2, true, {true, false, false, true}},
        {"the one that is left is to blame", 20ms, true, 1, false, {true, true, false, false}},
        {"which is said once", 25ms, true, 1, true, {true, false, false, false}},
        {"nobody waits behind it, so it has more time", 99999us, true, 1, true, {true, false, false, false}},
        {"but not for ever", 100ms, true, 1, true, {true, false, false, true}},
        {"noticed late", 100ms, true, 1, false, {true, true, false, true}},
        {"nobody wants it", 20ms, false, 1, false, {true, false, false, true}},
        {"no cancel has helped", 300ms, true, 2, true, {true, false, true, true}},
        {"nor the one that is left", 300ms, true, 1, true, {true, false, true, true}},
        {"hopeless, but for nobody", 300ms, false, 2, true, {true, false, false, true}},
    };
    for (const auto& one : cases) {
        const auto care = care_for(one.so_far, one.wanted, one.unanswered, one.known_slow);
        EXPECT_EQ(care.slow, one.care.slow) << one.name;
        EXPECT_EQ(care.blame_it, one.care.blame_it) << one.name;
        EXPECT_EQ(care.ask_workers, one.care.ask_workers) << one.name;
        EXPECT_EQ(care.cancel, one.care.cancel) << one.name;
    }
}

TEST(BatchRules, ABatchThatOutlivesItsStatementsTimeoutIsLost) {
    EXPECT_FALSE(is_batch_lost(5s, 5s, 250ms));
    EXPECT_FALSE(is_batch_lost(5500ms, 5s, 250ms)) << "the server may take its time to cancel";
    EXPECT_TRUE(is_batch_lost(5501ms, 5s, 250ms));
}

TEST(BatchRules, ABadPlanOfManyCallsMakesNoSlowStatement) {
    EXPECT_EQ(counted_share(9ms, false, 1ms), 9ms);
    EXPECT_EQ(counted_share(9ms, true, 1ms), 2ms);
    EXPECT_EQ(counted_share(500us, true, 1ms), 500us);
}

}  // namespace sluice::policy

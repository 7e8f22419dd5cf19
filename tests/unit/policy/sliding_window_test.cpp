#include "policy/sliding_window.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace sluice::policy {

using namespace std::chrono_literals;

namespace {
constexpr TimePoint start{1h};
}

TEST(SlidingWindow, FollowsATableOfMoments) {
    struct Moment {
        Duration after;
        bool admitted;
        std::uint64_t remaining;
        Duration reset_after;
        Duration retry_after;
    };
    const Moment moments[] = {
        {0s, true, 2, 10s, 0s},           // the first
        {1s, true, 1, 9s, 0s},            //
        {1s, true, 0, 9s, 0s},            // two at the same moment
        {2s, false, 0, 8s, 8s},           // full: the oldest leaves at 10 s
        {10s - 1ns, false, 0, 1ns, 1ns},  // still in the window
        {10s, true, 0, 1s, 0s},           // left it: its place is taken
        {10s, false, 0, 1s, 1s},          //
        {11s, true, 1, 9s, 0s},           // two left at once
        {1h, true, 2, 10s, 0s},           // an empty window
    };
    SlidingWindow window;
    for (const auto& moment : moments) {
        const auto decision = window.admit(start + moment.after, 3, 10s);
        EXPECT_EQ(decision.admitted, moment.admitted) << moment.after.count();
        EXPECT_EQ(decision.remaining, moment.remaining) << moment.after.count();
        EXPECT_EQ(decision.reset_after, moment.reset_after) << moment.after.count();
        EXPECT_EQ(decision.retry_after, moment.retry_after) << moment.after.count();
    }
}

TEST(SlidingWindow, RejectedRequestsCostNothing) {
    SlidingWindow window;
    EXPECT_TRUE(window.admit(start, 1, 10s).admitted);
    for (int i = 1; i < 10; ++i) EXPECT_FALSE(window.admit(start + i * 1s, 1, 10s).admitted);
    EXPECT_TRUE(window.admit(start + 10s, 1, 10s).admitted);
}

TEST(SlidingWindow, ALowerLimitHoldsAtOnce) {
    SlidingWindow window;
    for (int i = 0; i < 10; ++i) window.admit(start + i * 1s, 10, 60s);
    const auto decision = window.admit(start + 10s, 3, 60s);
    EXPECT_FALSE(decision.admitted);
    EXPECT_EQ(decision.remaining, 0u);
    EXPECT_EQ(decision.reset_after, 50s);
    EXPECT_EQ(decision.retry_after, 57s) << "eight must leave first";
    EXPECT_TRUE(window.admit(start + 10s + decision.retry_after, 3, 60s).admitted);
}

TEST(SlidingWindow, NothingFitsALimitOfZero) {
    SlidingWindow window;
    const auto decision = window.admit(start, 0, 60s);
    EXPECT_FALSE(decision.admitted);
    EXPECT_EQ(decision.reset_after, 0s);
    EXPECT_EQ(decision.retry_after, 60s);
    EXPECT_FALSE(window.admit(start, 5, 0s).admitted);
    EXPECT_FALSE(window.admit(start, 5, -1s).admitted);
}

TEST(SlidingWindow, TimeThatGoesBackCountsAsTheLastOne) {
    SlidingWindow window;
    EXPECT_TRUE(window.admit(start + 5s, 2, 10s).admitted);
    EXPECT_TRUE(window.admit(start, 2, 10s).admitted);
    EXPECT_FALSE(window.admit(start + 14s, 2, 10s).admitted);
    EXPECT_TRUE(window.admit(start + 15s, 2, 10s).admitted);
}

TEST(SlidingWindow, RandomTrafficMatchesAPlainLog) {
    for (unsigned seed = 0; seed < 100; ++seed) {
        std::mt19937_64 random{seed};
        const std::uint64_t limit = 1 + random() % 60;
        const Duration span{std::chrono::milliseconds{1 + random() % 2000}};
        SlidingWindow window;
        std::vector<TimePoint> log;
        TimePoint now = start;
        for (int step = 0; step < 2000; ++step) {
            if (random() % 3 != 0) now += std::chrono::microseconds{random() % 50'000};
            if (random() % 500 == 0) now += 2 * span;
            const auto decision = window.admit(now, limit, span);
            std::erase_if(log, [&](TimePoint t) { return t + span <= now; });
            const bool admitted = log.size() < limit;
            if (admitted) log.push_back(now);
            ASSERT_EQ(decision.admitted, admitted);
            ASSERT_EQ(decision.remaining, limit - log.size());
            ASSERT_EQ(decision.reset_after, log.front() + span - now);
            ASSERT_EQ(decision.retry_after, admitted ? Duration{0} : log.front() + span - now);
            ASSERT_EQ(window.tokens(), log.size());
            ASSERT_EQ(window.newest(), log.back());
        }
    }
}

TEST(SlidingWindow, ALargeLimitHoldsInBoundedMemoryAndNeverAdmitsMore) {
    constexpr std::uint64_t limit = 50'000;
    SlidingWindow window;
    std::mt19937 random{7};
    std::vector<std::pair<TimePoint, std::uint64_t>> admitted;
    std::uint64_t in_window = 0, total = 0;
    std::size_t oldest = 0;
    TimePoint now = start;
    for (int i = 0; i < 300'000; ++i) {
        now += std::chrono::microseconds{random() % 300};
        const std::uint64_t cost = 1 + random() % 3;
        if (!window.admit(now, limit, 10s, cost).admitted) continue;
        admitted.emplace_back(now, cost);
        in_window += cost;
        total += cost;
        while (admitted[oldest].first <= now - 10s) in_window -= admitted[oldest++].second;
        ASSERT_LE(in_window, limit);
    }
    const auto windows = std::chrono::duration<double>(now - start) / 10s;
    EXPECT_GT(static_cast<double>(total), .99 * limit * windows) << "what is kept together costs a thousandth";
}

}  // namespace sluice::policy

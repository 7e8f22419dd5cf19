#include "policy/refresh_schedule.hpp"

#include <gtest/gtest.h>

namespace sluice::policy {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint start{1000s};
constexpr RefreshSchedule::Settings settings{.interval = 300s, .on_demand = 10s, .retry = {1s, 30s}};

}  // namespace

TEST(RefreshSchedule, IsDueAtOnceThenAtTheInterval) {
    RefreshSchedule schedule{settings, start};
    EXPECT_EQ(schedule.due(), start);
    schedule.succeeded(start + 1s);
    EXPECT_EQ(schedule.due(), start + 301s);
}

TEST(RefreshSchedule, AskedForItComesSoonerButNotTooOften) {
    RefreshSchedule schedule{settings, start};
    EXPECT_FALSE(schedule.ask(start)) << "it is due anyway";
    schedule.succeeded(start);
    EXPECT_TRUE(schedule.ask(start + 3s));
    EXPECT_EQ(schedule.due(), start + 10s) << "ten seconds after the last one";
    EXPECT_FALSE(schedule.ask(start + 4s)) << "once is enough";
    schedule.succeeded(start + 10s);
    EXPECT_TRUE(schedule.ask(start + 100s));
    EXPECT_EQ(schedule.due(), start + 100s) << "at once";
}

TEST(RefreshSchedule, AFailureIsRepeatedSoonAndThenLessOften) {
    RefreshSchedule schedule{settings, start};
    schedule.failed(start, 0, 0s);
    EXPECT_GE(schedule.due(), start + 1s);
    EXPECT_LE(schedule.due(), start + 2s);
    auto now = start;
    for (int i = 0; i < 10; ++i) {
        now = schedule.due();
        schedule.failed(now, 0, 0s);
    }
    EXPECT_EQ(schedule.due() - now, 15s) << "half of the longest, as the random number is the smallest";
    schedule.failed(now, 0, 40s);
    EXPECT_EQ(schedule.due(), now + 40s) << "not before it makes sense";
    schedule.succeeded(now);
    schedule.failed(now, 0, 0s);
    EXPECT_LE(schedule.due(), now + 2s) << "a success begins anew";
}

TEST(RefreshSchedule, NeverRepeatsAFailureLaterThanTheInterval) {
    RefreshSchedule schedule{{.interval = 2s, .on_demand = 10s, .retry = {1s, 30s}}, start};
    for (int i = 0; i < 10; ++i) schedule.failed(start, ~std::uint64_t{0}, 0s);
    EXPECT_EQ(schedule.due(), start + 2s);
}

TEST(RefreshSchedule, WhoeverAsksAllTheTimeNeitherDelaysARotationNorCausesAFlood) {
    RefreshSchedule schedule{{}, start};
    schedule.succeeded(start);
    int attempts = 0;
    std::optional<TimePoint> learned;
    const auto rotated = start + 31'337ms;
    for (auto now = start; now < start + 60s; now += 10ms) {
        schedule.ask(now);  // a forged token, every time
        if (now < schedule.due()) continue;
        ++attempts;
        schedule.succeeded(now);
        if (now >= rotated && !learned) learned = now;
    }
    ASSERT_TRUE(learned);
    EXPECT_LE(*learned - rotated, 2s);
    EXPECT_LE(attempts, 60);
}

}  // namespace sluice::policy

#include "telemetry/throttle.hpp"

#include <gtest/gtest.h>

namespace sluice::log {

using namespace std::chrono_literals;

TEST(Throttle, PassesOneAnIntervalAndCountsTheOthers) {
    constexpr TimePoint start{1h};
    Throttle throttle{1s};
    EXPECT_EQ(throttle.pass(start), 0U);
    for (int i = 0; i < 7; ++i) EXPECT_FALSE(throttle.pass(start + 999ms));
    EXPECT_EQ(throttle.pass(start + 1s), 7U);
    EXPECT_FALSE(throttle.pass(start + 1s));
    EXPECT_EQ(throttle.pass(start + 1h), 1U) << "intervals without a line are not saved up";
    EXPECT_FALSE(throttle.pass(start + 1h));
}

}  // namespace sluice::log

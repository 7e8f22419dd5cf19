#include "policy/minimum_rate.hpp"

#include <gtest/gtest.h>

#include <random>

namespace sluice::policy {
namespace {

using namespace std::chrono_literals;

const TimePoint start{1h};

}  // namespace

TEST(MinimumRate, StandsStillForThePatienceAtMost) {
    MinimumRate rate{1024, 10s, start};
    EXPECT_EQ(rate.due(), start + 10s);
    rate.moved(0, start + 5s);
    EXPECT_EQ(rate.due(), start + 10s) << "nothing has moved";
    rate.moved(100'000'000, start + 5s);
    EXPECT_EQ(rate.due(), start + 15s) << "a good beginning does not pay for standing still";
}

TEST(MinimumRate, EachByteIsWorthTheTimeThatItMayTake) {
    MinimumRate rate{1024, 10s, start};
    rate.moved(1024, start + 4s);
    EXPECT_EQ(rate.due(), start + 11s);
    rate.moved(512, start + 5s);
    EXPECT_EQ(rate.due(), start + 11500ms);
}

TEST(MinimumRate, ATrickleIsCutOffAndTheMinimumIsNot) {
    MinimumRate trickle{1024, 15s, start};  // 1 KB every 6 s
    auto now = start;
    while (now < trickle.due()) {
        now += 6s;
        trickle.moved(1000, now);
    }
    EXPECT_LT(now, start + 24s);
    MinimumRate enough{1024, 15s, start};  // the same in pieces of 12 s
    for (now = start; now < start + 10min; now += 12s) {
        ASSERT_LT(now, enough.due());
        enough.moved(12 * 1024, now);
    }
}

TEST(MinimumRate, WithoutOneAnyByteWillDo) {
    MinimumRate rate{0, 10s, start};
    rate.moved(1, start + 9s);
    EXPECT_EQ(rate.due(), start + 19s);
}

TEST(MinimumRate, NoHistoryOfATransferOutlastsItsMeanRate) {
    std::mt19937_64 random{7};
    for (int run = 0; run < 2000; ++run) {
        const std::uint64_t minimum = 1 + random() % 5000;
        const auto patience = std::chrono::milliseconds{1 + random() % 20'000};
        MinimumRate rate{minimum, patience, start};
        auto now = start;
        std::uint64_t moved = 0;
        for (int step = 0; step < 50; ++step) {
            now += std::chrono::milliseconds{random() % 3000};
            if (now >= rate.due()) break;
            const auto bytes = random() % 10'000;
            moved += bytes;
            rate.moved(bytes, now);
            ASSERT_LE(rate.due(), now + patience);
            const auto paid = std::chrono::duration<double>{static_cast<double>(moved) / static_cast<double>(minimum)};
            ASSERT_LE(std::chrono::duration<double>{rate.due() - start} - paid,
                      std::chrono::duration<double>{patience} + 1us);
        }
    }
}

}  // namespace sluice::policy

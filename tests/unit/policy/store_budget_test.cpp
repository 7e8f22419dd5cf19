#include "policy/store_budget.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace sluice::policy {
namespace {

using namespace std::chrono_literals;

const TimePoint start{1'000'000s};

TEST(StoreBudget, NewcomersTakeHalfOfItAndWhatIsUsedTakesTheRest) {
    StoreBudget budget{1'000};
    EXPECT_TRUE(budget.take(300, true, start + 60s, start));
    EXPECT_TRUE(budget.take(200, true, start + 60s, start));
    EXPECT_FALSE(budget.take(1, true, start + 60s, start));
    EXPECT_TRUE(budget.take(500, false, start + 1h, start));
    EXPECT_FALSE(budget.take(1, false, start + 1h, start));
    EXPECT_EQ(budget.bytes(start), 1'000u);
}

TEST(StoreBudget, WhatHasExpiredMakesRoom) {
    StoreBudget budget{1'000};
    ASSERT_TRUE(budget.take(500, true, start + 60s, start));
    EXPECT_FALSE(budget.take(500, true, start + 110s, start + 50s));
    EXPECT_EQ(budget.bytes(start + 59s), 500u) << "not earlier than the store";
    EXPECT_EQ(budget.bytes(start + 64s), 0u) << "and not much later";
    EXPECT_TRUE(budget.take(500, true, start + 124s, start + 64s));
}

TEST(StoreBudget, WhatIsReplacedIsGivenBackOnce) {
    StoreBudget budget{1'000};
    const auto charge = budget.take(400, false, start + 60s, start);
    ASSERT_TRUE(charge);
    budget.give_back(*charge, start + 1s);
    EXPECT_EQ(budget.bytes(start + 1s), 0u);
    ASSERT_TRUE(budget.take(400, false, start + 2h, start + 1s));
    budget.give_back(*charge, start + 1h);
    EXPECT_EQ(budget.bytes(start + 1h), 400u) << "it had expired";
}

TEST(StoreBudget, WhatIsUsedLeavesItsTrialIfThereIsRoom) {
    StoreBudget budget{1'000};
    const auto charge = budget.take(500, true, start + 60s, start);
    ASSERT_TRUE(charge);
    EXPECT_TRUE(budget.take(500, false, start + 1h, start + 10s, charge));
    EXPECT_EQ(budget.bytes(start + 30min), 500u);
    const auto other = budget.take(500, true, start + 31min, start + 30min);
    ASSERT_TRUE(other) << "newcomers have their half again";
    EXPECT_TRUE(budget.take(500, false, start + 2h, start + 30min, other));
    EXPECT_FALSE(budget.take(1, true, start + 32min, start + 30min)) << "what is used comes first";
}

TEST(StoreBudget, WithoutRoomWhatWasToBeReplacedStays) {
    StoreBudget budget{1'000};
    const auto charge = budget.take(400, true, start + 60s, start);
    EXPECT_FALSE(budget.take(1'001, false, start + 60s, start, charge));
    EXPECT_EQ(budget.bytes(start), 400u);
    EXPECT_TRUE(budget.take(1'000, false, start + 60s, start, charge));
}

TEST(StoreBudget, NothingFitsIntoNone) {
    StoreBudget budget{0};
    EXPECT_FALSE(budget.take(1, true, start + 60s, start));
    EXPECT_FALSE(budget.take(1, false, start + 60s, start));
}

// Against a list of all that is alive.
TEST(StoreBudget, NeverCountsLessThanThereIsAndNeverMoreThanItMay) {
    struct Copy {
        StoreBudget::Charge charge;
        TimePoint expires;
    };
    std::mt19937_64 random{7};
    for (int world = 0; world < 200; ++world) {
        constexpr std::size_t most = 100'000;
        StoreBudget budget{most};
        std::vector<Copy> alive;
        auto now = start;
        for (int step = 0; step < 400; ++step) {
            now += std::chrono::milliseconds{random() % 20'000};
            std::erase_if(alive, [&](const Copy& copy) { return copy.expires <= now; });
            const auto choice = random() % 10;
            const auto life = std::chrono::milliseconds{1 + random() % (random() % 2 == 0 ? 60'000 : 7'200'000)};
            if (choice < 7) {
                const bool on_trial = random() % 2 == 0;
                if (auto charge = budget.take(1 + random() % 20'000, on_trial, now + life, now))
                    alive.push_back({*charge, now + life});
            } else if (!alive.empty()) {
                auto& copy = alive[random() % alive.size()];
                if (choice == 7) {
                    budget.give_back(copy.charge, now);
                    std::swap(copy, alive.back());
                    alive.pop_back();
                } else if (const auto longer =
                               budget.take(copy.charge.bytes, false, copy.expires + life, now, copy.charge)) {
                    copy = {*longer, copy.expires + life};
                }
            }
            std::size_t sum = 0;
            std::size_t on_trial = 0;
            for (const auto& copy : alive) {
                sum += copy.charge.bytes;
                if (copy.charge.on_trial) on_trial += copy.charge.bytes;
            }
            ASSERT_LE(sum, budget.bytes(now));
            ASSERT_LE(budget.bytes(now), most);
            ASSERT_LE(on_trial, most / 2);
        }
    }
}

}  // namespace
}  // namespace sluice::policy

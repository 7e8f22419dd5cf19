#include "runtime/memory_budget.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace sluice::runtime {

TEST(MemoryBudget, GivesWhatThereIsAndTakesItBack) {
    MemoryBudget budget{100};
    auto first = budget.try_claim(60);
    ASSERT_TRUE(first);
    EXPECT_FALSE(budget.try_claim(41));
    {
        const auto second = budget.try_claim(40);
        EXPECT_TRUE(second);
        EXPECT_EQ(budget.used(), 100u);
    }
    auto moved = std::move(*first);
    EXPECT_EQ(budget.used(), 60u);
    first.reset();
    EXPECT_EQ(budget.used(), 60u) << "it has been moved";
}

TEST(MemoryBudget, WhatIsThereAlreadyIsCountedEvenIfItIsTooMuch) {
    MemoryBudget budget{100};
    {
        const auto large = budget.claim(150);
        EXPECT_EQ(budget.used(), 150u);
        EXPECT_FALSE(budget.try_claim(1));
    }
    EXPECT_TRUE(budget.try_claim(100));
}

TEST(MemoryBudget, IsNeverExceededByManyThreads) {
    MemoryBudget budget{1'000};
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&budget] {
            for (std::size_t i = 1; i < 5'000; ++i) {
                const auto share = budget.try_claim(i % 400);
                EXPECT_LE(budget.used(), 1'000u);
            }
        });
    }
    threads.clear();
    EXPECT_EQ(budget.used(), 0u);
}

}  // namespace sluice::runtime

#include "memory/usage_counter.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <thread>

namespace sluice::memory {
namespace {

using namespace std::chrono_literals;
using policy::Usage;
using policy::usage_of;

const std::chrono::sys_days today{std::chrono::days{20'000}};

using Sums = std::map<std::pair<std::string, std::chrono::sys_days>, Usage>;

void add_to(Sums& sums, const std::vector<policy::KeyUsage>& taken) {
    for (const auto& [key, day, usage] : taken) sums[{key, day}] += usage;
}

}  // namespace

TEST(Usage, AnAnswerIsARequestAndPerhapsAnErrorOrARejection) {
    EXPECT_EQ(usage_of(200, 10), (Usage{1, 0, 10, 0}));
    EXPECT_EQ(usage_of(304, 0), (Usage{1, 0, 0, 0}));
    EXPECT_EQ(usage_of(404, 5), (Usage{1, 1, 5, 0}));
    EXPECT_EQ(usage_of(503, 5), (Usage{1, 1, 5, 0}));
    EXPECT_EQ(usage_of(429, 7), (Usage{1, 0, 7, 1}));
}

TEST(UsageCounter, SumsByKeyAndDay) {
    UsageCounter counter;
    counter.count("a", today, usage_of(200, 10));
    counter.count("a", today, usage_of(500, 1));
    counter.count("a", today + std::chrono::days{1}, usage_of(200, 2));
    counter.count("b", today, usage_of(429, 3));
    EXPECT_EQ(counter.waiting(), 2u);
    Sums sums;
    add_to(sums, counter.take(100));
    EXPECT_EQ(sums, (Sums{{{"a", today}, {2, 1, 11, 0}},
                          {{"a", today + std::chrono::days{1}}, {1, 0, 2, 0}},
                          {{"b", today}, {1, 0, 3, 1}}}));
    EXPECT_TRUE(counter.take(100).empty()) << "what was taken is gone";
    EXPECT_EQ(counter.waiting(), 0u);
}

TEST(UsageCounter, TakesALittleAtATime) {
    UsageCounter counter;
    for (int i = 0; i < 1'000; ++i) counter.count(std::to_string(i), today, usage_of(200, 1));
    Sums sums;
    std::size_t takings = 0;
    for (auto taken = counter.take(100); !taken.empty(); taken = counter.take(100), ++takings) {
        EXPECT_LE(taken.size(), 100u);
        add_to(sums, taken);
    }
    EXPECT_EQ(sums.size(), 1'000u);
    EXPECT_EQ(takings, 10u);
}

TEST(UsageCounter, IsBounded) {
    UsageCounter counter{16, 1};
    for (int i = 0; i < 20; ++i) counter.count(std::to_string(i), today, usage_of(200, 1));
    counter.count("0", today, usage_of(200, 1));
    EXPECT_EQ(counter.waiting(), 16u);
    EXPECT_EQ(counter.dropped(), 4u) << "keys that are there already still count";
}

TEST(UsageCounter, NothingIsLostOrDoubledWhileItIsTaken) {
    constexpr int each = 20'000;
    UsageCounter counter;
    Sums sums;
    {
        std::vector<std::jthread> threads;
        threads.reserve(2);
        for (int t = 0; t < 2; ++t) {
            threads.emplace_back([&] {
                for (int i = 0; i < each; ++i) counter.count(std::to_string(i % 97), today, usage_of(200, 3));
            });
        }
        for (int i = 0; i < 200; ++i) add_to(sums, counter.take(10));
    }
    for (auto taken = counter.take(10); !taken.empty(); taken = counter.take(10)) add_to(sums, taken);
    Usage all;
    for (const auto& [key, usage] : sums) all += usage;
    EXPECT_EQ(all, (Usage{2 * each, 0, 6 * each, 0}));
}

}  // namespace sluice::memory

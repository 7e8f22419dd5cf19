#include "policy/backoff.hpp"

#include <gtest/gtest.h>

#include <random>

namespace sluice::policy {

using namespace std::chrono_literals;

TEST(Backoff, GrowsFromTheShortestToTheLongest) {
    const std::pair<Duration, Duration> bounds[] = {{50ms, 100ms},   {100ms, 200ms}, {200ms, 400ms}, {400ms, 800ms},
                                                    {800ms, 1600ms}, {1s, 2s},       {1s, 2s},       {1s, 2s}};
    std::mt19937_64 random{3};
    for (int round = 0; round < 200; ++round) {
        Backoff backoff;
        for (const auto& [least, most] : bounds) {
            const auto wait = backoff.next(random());
            EXPECT_GE(wait, least);
            EXPECT_LE(wait, most);
        }
    }
}

TEST(Backoff, JitterReachesBothEnds) {
    constexpr std::uint64_t choices = std::chrono::nanoseconds{50ms}.count() + 1;
    EXPECT_EQ(Backoff{}.next(0), 50ms);
    EXPECT_EQ(Backoff{}.next(choices - 1), 100ms);
    EXPECT_EQ(Backoff{}.next(choices), 50ms);
}

TEST(Backoff, StartsAnewAfterASuccess) {
    Backoff backoff;
    for (int i = 0; i < 20; ++i) backoff.next(0);
    EXPECT_EQ(backoff.next(0), 1s);
    backoff.reset();
    EXPECT_EQ(backoff.next(0), 50ms);
}

TEST(Backoff, NeverOverflowsHoweverLongItFails) {
    Backoff backoff{{1ns, 24h}};
    for (int i = 0; i < 100'000; ++i) {
        const auto wait = backoff.next(~std::uint64_t{0});
        ASSERT_GE(wait, 1ns);
        ASSERT_LE(wait, 24h);
    }
    EXPECT_GE(backoff.next(0), 12h);
}

}  // namespace sluice::policy

#include "policy/lingering.hpp"

#include <gtest/gtest.h>

namespace sluice::policy {
namespace {

using namespace std::chrono_literals;

const TimePoint start{1h};

/// How much of a body is taken at that many bytes a second, in pieces of a tenth of a second.
std::uint64_t taken(std::uint64_t rate, std::uint64_t size) {
    Lingering lingering{Lingering::for_a_body, start};
    std::uint64_t sum = 0;
    for (auto now = start + 100ms; sum < size && !lingering.over() && now < lingering.due(); now += 100ms) {
        lingering.discarded(rate / 10, now);
        sum += rate / 10;
    }
    return sum;
}

constexpr std::uint64_t mebibyte = 1024 * 1024;

}  // namespace

TEST(Lingering, ABodyThatComesIsTakenWhole) {
    EXPECT_GE(taken(400'000, 2 * mebibyte), 2 * mebibyte);
    EXPECT_GE(taken(400'000, 20 * mebibyte), 20 * mebibyte) << "52 s: longer than what every body gets";
    EXPECT_GE(taken(100'000'000, 60 * mebibyte), 60 * mebibyte);
    EXPECT_GE(taken(50'000, mebibyte), mebibyte);
}

TEST(Lingering, IsBounded) {
    EXPECT_LE(taken(1'000'000'000, 1000 * mebibyte), 200 * mebibyte) << "by bytes";
    EXPECT_LE(taken(400'000, 1000 * mebibyte), 48 * mebibyte) << "by the longest time";
    EXPECT_LE(taken(50'000, 1000 * mebibyte), 30 * 50'000) << "by the time that a slow one has";
    Lingering silent{Lingering::for_a_body, start};
    EXPECT_EQ(silent.due(), start + 5s);
    silent.discarded(10, start + 3s);
    EXPECT_EQ(silent.due(), start + 8s);
    Lingering in_short{Lingering::in_short, start};
    in_short.discarded(1000, start + 900ms);
    EXPECT_EQ(in_short.due(), start + 1s);
    EXPECT_FALSE(in_short.over());
    in_short.discarded(mebibyte, start + 900ms);
    EXPECT_TRUE(in_short.over());
}

}  // namespace sluice::policy

#include "policy/early_refresh.hpp"

#include <gtest/gtest.h>

#include <random>

namespace sluice::policy {

using namespace std::chrono_literals;

TEST(EarlyRefresh, IsLikelierTheNearerTheEnd) {
    EXPECT_FALSE(refresh_early(38s, 1s, 0x1.0p-53)) << "beyond the earliest no number decides for it";
    EXPECT_TRUE(refresh_early(36s, 1s, 0x1.0p-53));
    EXPECT_FALSE(refresh_early(1s, 1s, 0.5)) << "-log(0.5) loads are 0.69 s";
    EXPECT_TRUE(refresh_early(690ms, 1s, 0.5));
    EXPECT_FALSE(refresh_early(1ns, 1s, 1.0));
    EXPECT_TRUE(refresh_early(0s, 1s, 1.0));
    EXPECT_FALSE(refresh_early(1ns, 0s, 0.1)) << "what costs nothing is not loaded early";
}

TEST(EarlyRefresh, OneReaderOfManyDoesItInTime) {
    // Ten thousand reads a second of a value whose load takes 10 ms: someone has started before the end, hardly ever long
    // before it.
    std::mt19937_64 random{3};
    int in_time = 0;
    int too_early = 0;
    for (int round = 0; round < 1'000; ++round) {
        for (Duration remaining = 1s; remaining > 0s; remaining -= 100us) {
            if (!refresh_early(remaining, 10ms, (static_cast<double>(random() >> 11) + 1.0) * 0x1.0p-53)) continue;
            in_time += 1;
            too_early += remaining > 200ms;
            break;
        }
    }
    EXPECT_EQ(in_time, 1'000);
    EXPECT_LT(too_early, 10);
}

}  // namespace sluice::policy

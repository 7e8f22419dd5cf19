#include "runtime/duration.hpp"

#include <gtest/gtest.h>

namespace sluice::runtime {

using namespace std::chrono_literals;

TEST(Duration, TakesAWholeNumberAndAUnit) {
    EXPECT_EQ(parse_duration("250ms"), 250ms);
    EXPECT_EQ(parse_duration("5s"), 5s);
    EXPECT_EQ(parse_duration("2m"), 2min);
    EXPECT_EQ(parse_duration("1h"), 1h);
    EXPECT_EQ(parse_duration("7d"), 168h);
    EXPECT_EQ(parse_duration("0s"), 0ms);
    for (const auto* bad :
         {"", "5", "s", "1.5s", "-1s", "+1s", " 1s", "1 s", "1s ", "1S", "1w", "99999999999999999999s", "4000d"}) {
        EXPECT_EQ(parse_duration(bad), std::nullopt) << bad;
    }
}

TEST(Size, TakesBytesAndBinaryUnits) {
    EXPECT_EQ(parse_size("0"), 0u);
    EXPECT_EQ(parse_size("4096"), 4096u);
    EXPECT_EQ(parse_size("64KiB"), 65536u);
    EXPECT_EQ(parse_size("1MiB"), 1048576u);
    EXPECT_EQ(parse_size("1GiB"), 1073741824u);
    for (const auto* bad : {"", "KiB", "1KB", "1kib", "1.5MiB", "-1", "1 MiB", "99999999999GiB", "18446744073709551616"}) {
        EXPECT_EQ(parse_size(bad), std::nullopt) << bad;
    }
}

}  // namespace sluice::runtime

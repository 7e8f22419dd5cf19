#include "json/decimal.hpp"

#include <gtest/gtest.h>

namespace sluice::endpoints {

TEST(Decimal, KnowsJsonsGrammar) {
    for (const auto* good : {"0", "-0", "1", "-12", "1.0", "1e5", "1E+5", "-0.5e-3", "10.25"})
        EXPECT_TRUE(json::is_json_number(good)) << good;
    for (const auto* bad : {"", "-", "+1", "01", "1.", ".5", "1e", "1e+", "0x1", "1 ", " 1", "NaN", "1.5.2", "--1"}) {
        EXPECT_FALSE(json::is_json_number(bad)) << bad;
    }
    EXPECT_TRUE(json::is_json_integer("-7"));
    for (const auto* bad : {"1.0", "1e2", "00", "", "-"}) EXPECT_FALSE(json::is_json_integer(bad)) << bad;
}

TEST(Decimal, ComparesExactly) {
    const auto less = std::strong_ordering::less;
    const auto equal = std::strong_ordering::equal;
    const auto greater = std::strong_ordering::greater;
    EXPECT_EQ(json::compare_numbers("9007199254740993", "9007199254740992"), greater);
    EXPECT_EQ(json::compare_numbers("1.0", "1"), equal);
    EXPECT_EQ(json::compare_numbers("10e-1", "1"), equal);
    EXPECT_EQ(json::compare_numbers("-0", "0"), equal);
    EXPECT_EQ(json::compare_numbers("0.000", "0e99"), equal);
    EXPECT_EQ(json::compare_numbers("-1", "1"), less);
    EXPECT_EQ(json::compare_numbers("-2", "-1"), less);
    EXPECT_EQ(json::compare_numbers("-0.1", "0"), less);
    EXPECT_EQ(json::compare_numbers("1e100", "9.9e99"), greater);
    EXPECT_EQ(json::compare_numbers("0.1", "0.09"), greater);
    EXPECT_EQ(json::compare_numbers("123", "1230"), less);
    EXPECT_EQ(json::compare_numbers("1e999999999999999999999", "1e5"), greater);
    EXPECT_EQ(json::compare_numbers("1e-999999999999999999999", "0"), greater);
}

TEST(Decimal, HasOneSpellingForOneValue) {
    EXPECT_EQ(json::canonical_number("-0"), "0");
    EXPECT_EQ(json::canonical_number("0.0e5"), "0");
    for (const auto* five : {"5", "5.0", "50e-1", "0.5E1"}) EXPECT_EQ(json::canonical_number(five), "5") << five;
    EXPECT_EQ(json::canonical_number("-12.50"), "-12.5");
    EXPECT_EQ(json::canonical_number("2988507"), "2988507");
    EXPECT_EQ(json::canonical_number("1000"), "1000");
    EXPECT_EQ(json::canonical_number("0.50"), "0.5");
    EXPECT_EQ(json::canonical_number("-5e-3"), "-0.005");
    EXPECT_EQ(json::canonical_number("0.05"), json::canonical_number("5e-2"));
    EXPECT_EQ(json::canonical_number("1e50"), json::canonical_number("10e49"));
    EXPECT_NE(json::canonical_number("1e50"), json::canonical_number("1e51"));
}

}  // namespace sluice::endpoints

#include "auth/base62.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

namespace sluice::auth {

namespace {

std::string encode(const std::vector<std::uint8_t>& bytes) {
    std::string text;
    append_base62(text, bytes);
    return text;
}

std::optional<std::vector<std::uint8_t>> decode(std::string_view text) {
    std::array<std::uint8_t, 64> out{};
    const auto size = decode_base62(text, out);
    if (!size) return std::nullopt;
    return std::vector<std::uint8_t>{out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*size)};
}

}  // namespace

TEST(Base62, HasKnownSpellings) {
    EXPECT_EQ(encode({}), "");
    EXPECT_EQ(encode({0}), "00");
    EXPECT_EQ(encode({61}), "0z");
    EXPECT_EQ(encode({62}), "10");
    EXPECT_EQ(encode({255}), "47");
    EXPECT_EQ(encode(std::vector<std::uint8_t>(8, 0xFF)), "LygHa16AHYF");
    EXPECT_EQ(encode(std::vector<std::uint8_t>(9, 0xFF)), "LygHa16AHYF47");
}

TEST(Base62, DecodesEveryLengthBack) {
    std::mt19937 random{1};
    for (std::size_t size = 0; size <= 64; ++size) {
        for (int i = 0; i < 50; ++i) {
            std::vector<std::uint8_t> bytes(size);
            for (auto& byte : bytes) byte = static_cast<std::uint8_t>(i == 0 ? 0 : i == 1 ? 0xFF : random());
            ASSERT_EQ(decode(encode(bytes)), bytes);
        }
    }
}

TEST(Base62, EveryShortTextIsRefusedOrTheOnlySpelling) {
    const std::string alphabet = "0129AZaz-_";
    for (const char a : alphabet) {
        for (const char b : alphabet) {
            for (const char c : alphabet) {
                for (const auto& text : {std::string{a}, std::string{a, b}, std::string{a, b, c}}) {
                    if (const auto bytes = decode(text)) {
                        EXPECT_EQ(encode(*bytes), text);
                    }
                }
            }
        }
    }
}

TEST(Base62, RefusesWhatItNeverSpells) {
    for (const std::string text : {"0", "0000", "00000000", "48", "zz", "LygHa16AHYG", "zzzzzzzzzzz", "0 ", "0-", "0\xC3",
                                   "LygHa16AHYF48", "LygHa16AHYF4"}) {
        EXPECT_EQ(decode(text), std::nullopt) << text;
    }
    EXPECT_EQ(decode(std::string("0\0", 2)), std::nullopt);
}

TEST(Base62, NeverWritesBeyondItsBuffer) {
    std::array<std::uint8_t, 9> out{};
    EXPECT_EQ(decode_base62("LygHa16AHYF", std::span{out}.first(7)), std::nullopt);
    EXPECT_EQ(decode_base62("LygHa16AHYF47", std::span{out}.first(8)), std::nullopt);
    EXPECT_EQ(decode_base62("LygHa16AHYF47", out), 9u);
}

}  // namespace sluice::auth

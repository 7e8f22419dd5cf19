#include "json/pointer.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace sluice::json {

TEST(TextPointer, LeadsToTheBytesAsTheyStand) {
    const std::string_view text =
        R"( {"a": {"b" : [1.10, "x\"]}", [], {"": -0.0e+5}]}, "a/b": 7, "m~n": null, "k\u00e9y": true, "d":1, "d": 12345678901234567890.5} )";
    const auto at = [&](std::string_view pointer) { return TextPointer{pointer}.find(text).value_or("nothing"); };
    EXPECT_EQ(at("/a/b/0"), "1.10");
    EXPECT_EQ(at("/a/b/1"), R"("x\"]}")");
    EXPECT_EQ(at("/a/b/2"), "[]");
    EXPECT_EQ(at("/a/b/3/"), "-0.0e+5");
    EXPECT_EQ(at("/a/b"), R"([1.10, "x\"]}", [], {"": -0.0e+5}])");
    EXPECT_EQ(at("/a~1b"), "7");
    EXPECT_EQ(at("/m~0n"), "null");
    EXPECT_EQ(at("/k\xc3\xa9y"), "true") << "escapes in names are what they stand for";
    EXPECT_EQ(at("/d"), "12345678901234567890.5") << "the last of two, and no digit is lost";
    EXPECT_TRUE(at("").starts_with("{\"a\"") && at("").ends_with('}'));
    for (const auto* nowhere : {"/b", "/a/b/4", "/a/b/00", "/a/b/-", "/a/b/x", "/a/b/", "/m~0n/x", "/a/b/1/0", "/a/b/2/0"})
        EXPECT_EQ(at(nowhere), "nothing") << nowhere;
}

TEST(TextPointer, WhatIsNoPointerIsRefused) {
    for (const auto* wrong : {"a", "a/b", "/~", "/~2", "/a~"})
        EXPECT_THROW(TextPointer{wrong}, std::invalid_argument) << wrong;
}

TEST(TextPointer, DeepNestingIsWalkedWithoutRecursion) {
    const std::size_t depth = 200'000;
    const auto text = std::string(depth, '[') + std::string(depth, ']');
    EXPECT_TRUE(is_json(text));
    EXPECT_EQ(TextPointer{"/0"}.find(text)->size(), 2 * depth - 2);
}

TEST(IsJson, TakesOneValueAndNothingElse) {
    for (const auto* good : {"1", "null", "\"a\"", " {} ", "[1,2]"}) EXPECT_TRUE(is_json(good)) << good;
    for (const auto* bad : {"", " ", "{", "{}x", "nan", "'a'", "[1,]", "\"\xff\"", "{\"a\":1"})
        EXPECT_FALSE(is_json(bad)) << bad;
}

}  // namespace sluice::json

#include "endpoints/filled_text.hpp"

#include "policy/percent_encoding.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <random>
#include <stdexcept>

namespace sluice::endpoints {
namespace {

using Values = std::vector<std::optional<std::string>>;

const std::vector<NamedValue> names{{"a", ParameterType::string},
                                    {"n", ParameterType::number},
                                    {"list", ParameterType::array},
                                    {"body", ParameterType::string}};

std::optional<std::string> path_of(std::string_view text, const Values& values) {
    return fill_path(FilledText{text, names}, values);
}

}  // namespace

TEST(FilledText, StandsForAValueAloneOrWithinText) {
    const Values values{"x/y", "1.50", {}, {}};
    EXPECT_EQ(FilledText(":a", names).fill(values, policy::append_as_component), "x%2Fy");
    EXPECT_EQ(FilledText("{a}-{n}", names).fill(values, append_as_it_is), "x/y-1.50");
    EXPECT_EQ(FilledText("12:30", names).fill(values, append_as_it_is), "12:30") << "a colon within is a colon";
    EXPECT_EQ(FilledText(":", names).fill(values, append_as_it_is), ":");
    EXPECT_EQ(FilledText("", names).fill(values, append_as_it_is), "");
    EXPECT_EQ(FilledText(":a", names).fill(Values{{}, {}, {}, {}}, append_as_it_is), std::nullopt);
    for (const auto* wrong : {":b", "{b}", "{", ":list"})
        EXPECT_THROW((FilledText{wrong, names}), std::invalid_argument) << wrong;
}

TEST(FilledText, NoValueAddsASegmentOrLeavesThePath) {
    const auto with = [](std::string value) { return Values{std::move(value), "1", {}, {}}; };
    EXPECT_EQ(path_of("/v1/{a}/x", with("a b/../%2f?#\\\r\n")), "/v1/a%20b%2F..%2F%252f%3F%23%5C%0D%0A/x");
    for (const auto* dots : {".", ".."}) EXPECT_EQ(path_of("/v1/{a}", with(dots)), std::nullopt) << dots;
    EXPECT_EQ(path_of("/v1/{a}.", with(".")), std::nullopt) << "as a part of a segment";
    EXPECT_EQ(path_of("/v1/{a}", with("...")), "/v1/...");
    EXPECT_EQ(path_of("/v1/{a}/x", with("")), "/v1//x");
}

TEST(FilledText, WhateverTheBytesAPathKeepsItsShape) {
    std::mt19937 random{7};
    for (int i = 0; i < 20'000; ++i) {
        std::string value(random() % 6, ' ');
        for (char& c : value) c = static_cast<char>(random() % 256);
        const auto path = path_of("/p/{a}/q", Values{value, "1", {}, {}});
        if (!path) continue;
        ASSERT_EQ(std::count(path->begin(), path->end(), '/'), 3) << *path;
        ASSERT_TRUE(
            std::all_of(path->begin(), path->end(), [](char c) { return c > ' ' && c < '\x7f' && c != '?' && c != '#'; }));
    }
}

TEST(FilledJson, PutsValuesWhereTheirNamesStand) {
    const FilledJson json{R"({"s": ":a", "n": [":n", 1.0], ":a": ":not a name", "t": "12:30", "all": ":body"})", names};
    EXPECT_EQ(json.fill(Values{"x\"\n", "1.50", {}, R"({"k":1})"}),
              R"({"s": "x\"\n", "n": [1.50, 1.0], ":a": ":not a name", "t": "12:30", "all": {"k":1}})");
    EXPECT_EQ(FilledJson(R"([":a",":n"])", names).fill(Values{{}, {}, {}, {}}), "[null,null]");
    EXPECT_THROW((FilledJson{R"([":b"])", names}), std::invalid_argument);
}

TEST(FilledJson, NoTextBreaksOutOfItsString) {
    const FilledJson json{R"({"v":":a","end":true})", names};
    std::mt19937 random{11};
    for (int i = 0; i < 20'000; ++i) {
        std::string value(random() % 8, ' ');
        for (char& c : value) c = "\"\\},:{[]\x01\xc3\xa9"[random() % 11];
        const auto parsed = nlohmann::json::parse(json.fill(Values{value, {}, {}, {}}), nullptr, false);
        ASSERT_TRUE(parsed.is_object() && parsed.size() == 2 && parsed.at("end") == true) << value;
    }
}

}  // namespace sluice::endpoints

#include "auth/strict_json.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sluice::auth {

TEST(StrictJson, TakesOneObject) {
    const auto object = parse_strict_object(R"( {"a": [1, {"b": null}], "c": {"a": 2}} )");
    ASSERT_TRUE(object);
    EXPECT_EQ((*object)["c"]["a"], 2);
    EXPECT_TRUE(parse_strict_object("{}"));
}

TEST(StrictJson, RefusesWhatTwoReadersCouldUnderstandDifferently) {
    for (const auto* text : {"",
                             "[]",
                             "1",
                             "\"a\"",
                             "null",
                             "{",
                             "{}{}",
                             "{} x",
                             R"({"a":1,"a":1})",
                             R"({"a":1,"\u0061":2})",
                             R"({"x":{"a":1,"a":2}})",
                             R"({"x":[{"a":1,"a":2}]})",
                             "{\"a\":\"\xff\"}",
                             R"({"a":01})",
                             R"({"a":1,})",
                             R"({'a':1})",
                             "\xEF\xBB\xBF{}",
                             R"({"a":NaN})",
                             R"({"a":1e999})",
                             R"(/**/{})"}) {
        EXPECT_FALSE(parse_strict_object(text)) << text;
    }
    EXPECT_FALSE(parse_strict_object(std::string_view{"{}\0", 3}));
    std::string deep;
    for (int i = 0; i < 70; ++i) deep += R"({"a":)";
    EXPECT_FALSE(parse_strict_object(deep + "1" + std::string(70, '}')));
}

}  // namespace sluice::auth

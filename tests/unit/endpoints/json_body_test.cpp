#include "endpoints/json_body.hpp"

#include <gtest/gtest.h>

namespace sluice::endpoints {
namespace {

using Values = std::vector<std::optional<std::string>>;

const std::string review_schema =
    R"({"type":"object","required":["stars","text"],"additionalProperties":false,
        "properties":{"stars":{"type":"integer","minimum":1,"maximum":5},"text":{"type":"string","minLength":1}}})";

Problem problem_of(const JsonBody& body, std::string_view bytes) {
    const auto read = body.read(bytes);
    const auto* problem = std::get_if<Problem>(&read);
    return problem ? *problem : Problem::of(200, "");
}

}  // namespace

TEST(JsonBody, BindsMembersInTheirDeclaredOrder) {
    const JsonBody body{review_schema, {"stars", "text"}};
    EXPECT_EQ(std::get<Values>(body.read(R"({"text":"\u00e9\n\"","stars":5})")), (Values{"5", "é\n\""}));
}

TEST(JsonBody, NumbersKeepTheirSourceText) {
    const JsonBody body{"{}", {"a", "b", "c", "d", "e"}};
    EXPECT_EQ(std::get<Values>(body.read(R"({"a":1.10,"b":123456789012345678901234567890,"c":-0,"d":1E2,"e":true})")),
              (Values{"1.10", "123456789012345678901234567890", "-0", "1E2", "true"}));
}

TEST(JsonBody, StructuresAreBoundAsTheirJson) {
    const JsonBody body{"{}", {"a", "b", "n", "missing"}};
    EXPECT_EQ(std::get<Values>(body.read(R"( { "a" : [1, {"x":"]"}] , "b":{"y":"\"}"} , "n":null } )")),
              (Values{R"([1, {"x":"]"}])", R"({"y":"\"}"})", std::nullopt, std::nullopt}));
}

TEST(JsonBody, TheLastOfDuplicateMembersCounts) {
    const JsonBody body{"{}", {"a"}};
    EXPECT_EQ(std::get<Values>(body.read(R"({"a":1,"a":2})")), (Values{"2"}));
    EXPECT_EQ(std::get<Values>(body.read(R"({"\u0061":3})")), (Values{"3"}));
}

TEST(JsonBody, WhatIsNoJsonIs400) {
    const JsonBody body{review_schema, {"stars", "text"}};
    for (const auto* bad : {"", "{", "{]", "{'a':1}", "nul", "[1,]", "\xEF\xBB\xBF{}", "{\"a\":\"\xff\"}", "{} {}"}) {
        EXPECT_EQ(problem_of(body, bad).status, 400u) << bad;
    }
}

TEST(JsonBody, EveryViolationIsNamedByItsPointer) {
    const JsonBody body{review_schema, {"stars", "text"}};
    const auto problem = problem_of(body, R"({"stars":9,"text":""})");
    EXPECT_EQ(problem.status, 422u);
    std::vector<std::string> names;
    for (const auto& error : problem.errors) names.push_back(error.name);
    EXPECT_NE(std::find(names.begin(), names.end(), "/stars"), names.end());
    EXPECT_NE(std::find(names.begin(), names.end(), "/text"), names.end());
    EXPECT_EQ(problem_of(body, "[]").status, 422u);
    EXPECT_EQ(problem_of(body, R"({"stars":1})").status, 422u);
    EXPECT_EQ(problem_of(body, R"({"stars":1,"text":"x","more":1})").status, 422u);
    EXPECT_EQ(problem_of(body, R"({"stars":"1","text":"x"})").status, 422u) << "a string is no integer";
}

TEST(JsonBody, NulIsRefused) {
    const JsonBody body{"{}", {"a"}};
    const auto problem = problem_of(body, R"({"a":"x\u0000y"})");
    EXPECT_EQ(problem.status, 422u);
    ASSERT_EQ(problem.errors.size(), 1u);
    EXPECT_EQ(problem.errors[0].name, "/a");
}

TEST(JsonBody, DeepNestingAndLongStringsAreSurvived) {
    const JsonBody any{"{}", {}};
    const std::string deep(400'000, '[');
    EXPECT_EQ(problem_of(any, deep).status, 400u);
    EXPECT_EQ(problem_of(any, deep + std::string(400'000, ']')).status, 200u);
    const JsonBody matched{R"({"properties":{"a":{"type":"string","pattern":"^(x|y)*$"}}})", {"a"}};
    EXPECT_EQ(problem_of(matched, R"({"a":")" + std::string(500'000, 'x') + "\"}").status, 422u);
    EXPECT_EQ(problem_of(matched, R"({"a":"xyx"})").status, 200u);
    EXPECT_EQ(problem_of(matched, R"({"a":"z"})").status, 422u);
}

TEST(JsonBody, RefusesASchemaThatIsNone) {
    EXPECT_THROW((JsonBody{"{", {}}), std::invalid_argument);
    EXPECT_THROW((JsonBody{R"({"type":"strng"})", {}}), std::invalid_argument);
}

TEST(MediaType, JsonAndItsSuffix) {
    for (const auto* good : {"application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"}) {
        EXPECT_TRUE(is_json_media_type(good)) << good;
    }
    for (const auto* bad : {"", "text/plain", "application/jsonp", "json", "+json"})
        EXPECT_FALSE(is_json_media_type(bad)) << bad;
}

}  // namespace sluice::endpoints

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

TEST(JsonBody, EveryViolationIsNamedOnceByItsPointer) {
    const std::string order = R"({"type":"object","required":["id","lines"],"additionalProperties":false,
        "properties":{
            "id":{"type":"integer","maximum":99,"multipleOf":5},
            "mail":{"type":"string","format":"email","maxLength":5},
            "a/b~c":{"type":"boolean"},
            "[d][0]":{"type":"null"},
            "<root>":false,
            "":{"type":["string","null"]},
            "tags":{"type":"array","uniqueItems":true,"maxItems":2,"items":{"enum":["x","y"]}},
            "kind":{"oneOf":[{"const":"a"},{"type":"integer","minimum":5},{"properties":{"k":false}}]},
            "lines":{"type":"array","items":{"type":"object","required":["sku","count"],
                "allOf":[{"required":["sku"]},{"properties":{"count":{"minimum":1}}}],
                "properties":{"sku":{"type":"string","pattern":"^[A-Z]+$"},"count":{"type":"integer","minimum":1},
                              "sizes":{"type":"array","items":{"type":"array","items":{"type":"number"}}}}}}},
        "dependencies":{"mail":["name","tel"],"kind":{"required":["tags"]}}})";
    const JsonBody body{order, {}};
    struct Case {
        std::string_view body;
        std::vector<std::string> expected;
    };
    for (const auto& [bytes, expected] : std::vector<Case>{
             {"[]", {": must be of type object"}},
             {"{}", {": must have the member 'id'", ": must have the member 'lines'"}},
             {R"({"id":101,"lines":[]})", {"/id: must be at most 99", "/id: must be a multiple of 5"}},
             {R"({"id":"5","mail":"abcdefg","more":1,"lines":{},"other":2})",
              {": must have the member 'name' together with 'mail'", ": must have the member 'tel' together with 'mail'",
               "/id: must be of type integer", "/lines: must be of type array", "/mail: must be a valid email",
               "/mail: must have at most 5 characters", "/more: is not allowed here", "/other: is not allowed here"}},
             {R"({"id":5,"lines":[],"a/b~c":1,"[d][0]":2,"":3,"x/~y":4,"<root>":5})",
              {"/: must be of type string or null", "/<root>: is not allowed here", "/[d][0]: must be of type null",
               "/a~1b~0c: must be of type boolean", "/x~1~0y: is not allowed here"}},
             {R"({"id":5,"lines":[{"sku":"A","count":1},{"count":0},7,{"sku":"b","count":1,"sizes":[[1],[2,"3"],4]}]})",
              {"/lines/1: must have the member 'sku'", "/lines/1/count: must be at least 1",
               "/lines/2: must be of type object", "/lines/3/sizes/1/1: must be of type number",
               "/lines/3/sizes/2: must be of type array", "/lines/3/sku: must match ^[A-Z]+$"}},
             {R"({"id":5,"lines":[],"tags":["x","x","z"],"kind":{"k":1}})",
              {"/kind: must fit exactly one of the alternatives in 'oneOf'", "/tags: must have at most 2 items",
               "/tags: must not hold an item twice", "/tags/2: must be one of x or y"}},
             {R"({"id":5,"lines":[],"kind":"a"})",
              {": must have the member 'tags'", "/kind: must fit exactly one of the alternatives in 'oneOf'"}},
         }) {
        const auto problem = problem_of(body, bytes);
        EXPECT_EQ(problem.status, 422u) << bytes;
        std::vector<std::string> found;
        for (const auto& error : problem.errors) found.push_back(error.name + ": " + error.message);
        EXPECT_EQ(found, expected) << bytes;
    }
}

TEST(JsonBody, OfAlternativesOnlyThatNoneFitsIsSaid) {
    for (
        const auto& [schema, message] : std::vector<std::pair<std::string, std::string>>{
            {R"({"anyOf":[{"type":"object"},{"type":"array","items":{"type":"string"}}]})",
             "must fit one of the alternatives in 'anyOf'"},
            {R"({"not":{"type":"array"}})", "must not fit 'not'"},
            {R"({"contains":{"minimum":5}})", "must hold an item that fits 'contains'"},
            {R"({"if":{"type":"array"},"then":{"minItems":3}})", "must have at least 3 items"},
            {R"({"type":"string","allOf":[{"type":"string"},{"$ref":"#/definitions/s"}],"definitions":{"s":{"type":"string"}}})",
             "must be of type string"},
        }) {
        const auto problem = problem_of(JsonBody{schema, {}}, "[1,2]");
        ASSERT_EQ(problem.errors.size(), 1u) << schema;
        EXPECT_EQ(problem.errors[0].name, "");
        EXPECT_EQ(problem.errors[0].message, message);
    }
    const JsonBody names{R"({"propertyNames":{"pattern":"^[a-z]*$"}})", {}};
    EXPECT_EQ(problem_of(names, R"({"A":1})").errors.at(0).message, "must have only names that fit 'propertyNames'");
    EXPECT_EQ(problem_of(names, R"({"a":1})").status, 200u);
}

TEST(JsonBody, WhatFailsFirstHidesNothingBehindIt) {
    const JsonBody body{R"({"properties":{"list":{"items":[{"type":"string"},{"type":"string"}],"additionalItems":false}},
        "patternProperties":{"^a":{"type":"string"},"^b":{"type":"string"}},"additionalProperties":false})",
                        {}};
    const auto problem = problem_of(body, R"({"a1":1,"a2":2,"b1":"x","b2":3,"list":[1,"x",2]})");
    std::vector<std::string> found;
    for (const auto& error : problem.errors) found.push_back(error.name + ": " + error.message);
    EXPECT_EQ(found, (std::vector<std::string>{"/list/0: must be of type string", "/list/2: is not allowed here",
                                               "/a1: must be of type string", "/a2: must be of type string",
                                               "/b2: must be of type string"}));
}

TEST(JsonBody, AnAnswerListsAHundredViolationsAtMost) {
    const JsonBody body{R"({"items":{"type":"string"}})", {}};
    std::string numbers = "[0";
    for (int i = 0; i < 100'000; ++i) numbers += ",0";
    const auto problem = problem_of(body, numbers + "]");
    ASSERT_EQ(problem.errors.size(), 101u);
    EXPECT_EQ(problem.errors[99].name, "/99");
    EXPECT_EQ(problem.errors[100].message, "has more violations than the 100 listed");
}

TEST(JsonBody, NumbersAreJudgedExactly) {
    struct Case {
        std::string schema;
        std::vector<std::string> good;
        std::vector<std::string> bad;
    };
    for (const auto& [schema, good, bad] : std::vector<Case>{
             {R"({"maximum":9007199254740993})",
              {"9007199254740993", "-1e400"},
              {"9007199254740994", "9007199254740993.1", "1E400"}},
             {R"({"exclusiveMinimum":0.1})", {"0.10000000000000000000000000000000001"}, {"0.1", "0.10", "1e-1"}},
             {R"({"multipleOf":0.01})", {"4.35", "1e400", "0", "12345678901234567890.12", "-0.01"}, {"4.355", "1e-400"}},
             {R"({"multipleOf":7})", {"14000000000000000000000", "7e30", "-21"}, {"14000000000000000000001", "1e30"}},
             {R"({"type":"integer"})", {"1.0", "1E400", "-0", "123456789012345678901234567890"}, {"1.5", "1e-1"}},
             {R"({"const":1.0})", {"1", "10e-1"}, {"1.0000000000000000000000001", "\"1\""}},
             {R"({"enum":[[9007199254740993]]})", {"[9007199254740993.0]"}, {"[9007199254740992]"}},
             {R"({"uniqueItems":true})",
              {"[9007199254740992,9007199254740993,true,\"1\"]"},
              {"[1,1.0]", "[{\"a\":10},{\"a\":1e1}]"}},
         }) {
        const JsonBody body{schema, {}};
        for (const auto& number : good) EXPECT_EQ(problem_of(body, number).status, 200u) << schema << ' ' << number;
        for (const auto& number : bad) EXPECT_EQ(problem_of(body, number).status, 422u) << schema << ' ' << number;
    }
    const JsonBody bound{R"({"properties":{"i":{"type":"integer"},"n":{"type":"number"}}})", {"i", "n"}};
    EXPECT_EQ(std::get<Values>(bound.read(R"({"i":50e-1,"n":50e-1})")), (Values{"5", "50e-1"}))
        << "as PostgreSQL reads them";
    EXPECT_EQ(problem_of(bound, R"({"n":1e5000})").errors.at(0).message, "must not hold numbers beyond 1e4932");
}

TEST(JsonBody, ReferencesAreFollowedWhateverTheirNames) {
    const JsonBody body{R"({"definitions":{"a/b":{"type":"string"},"c~%":{"type":"array"},"":{"type":"null"}},
        "properties":{"x":{"$ref":"#/definitions/a~1b"},"y":{"$ref":"#/definitions/c~0%25"},"z":{"$ref":"#/definitions/"},
                      "child":{"$ref":"#"},"again":{"$ref":"#/properties/child"}},"additionalProperties":false})",
                        {}};
    EXPECT_EQ(problem_of(body, R"({"x":"","y":[],"z":null,"child":{"child":{"x":""},"again":{}}})").status, 200u);
    const auto problem = problem_of(body, R"({"x":1,"y":2,"z":3,"child":{"child":{"q":""},"again":{"x":4}}})");
    std::vector<std::string> names;
    for (const auto& error : problem.errors) names.push_back(error.name);
    EXPECT_EQ(names, (std::vector<std::string>{"/child/again/x", "/child/child/q", "/x", "/y", "/z"}));
}

TEST(JsonBody, NulIsRefused) {
    const JsonBody body{"{}", {"a"}};
    const auto problem = problem_of(body, R"({"a":"x\u0000y"})");
    EXPECT_EQ(problem.status, 422u);
    ASSERT_EQ(problem.errors.size(), 1u);
    EXPECT_EQ(problem.errors[0].name, "/a");
}

TEST(JsonBody, DeepNestingAndLongStringsAreSurvived) {
    const JsonBody any{R"({"anyOf":[{"type":"array"}],"items":{"$ref":"#"}})", {}};
    const auto nested = [](std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
    EXPECT_EQ(problem_of(any, std::string(400'000, '[')).status, 400u);
    EXPECT_EQ(problem_of(any, nested(256)).status, 200u);
    const auto problem = problem_of(any, nested(257));
    EXPECT_EQ(problem.status, 400u);
    EXPECT_EQ(problem.errors.at(0).message, "must not be nested more than 256 levels deep");
    const JsonBody matched{R"({"properties":{"a":{"type":"string","pattern":"^(x|y)*$"}}})", {"a"}};
    EXPECT_EQ(problem_of(matched, R"({"a":")" + std::string(500'000, 'x') + "\"}").status, 200u);
    EXPECT_EQ(problem_of(matched, R"({"a":")" + std::string(500'000, 'x') + "z\"}").status, 422u);
    const JsonBody names{R"({"patternProperties":{"^(x|y)*$":true}})", {}};
    EXPECT_EQ(problem_of(names, "{\"" + std::string(500'000, 'x') + "\":1}").status, 200u);
}

TEST(JsonBody, RefusesASchemaThatIsNone) {
    EXPECT_THROW((JsonBody{"{", {}}), std::invalid_argument);
    EXPECT_THROW((JsonBody{R"({"type":"strng"})", {}}), std::invalid_argument);
    EXPECT_THROW((JsonBody{R"({"$ref":"#"})", {}}), std::invalid_argument);
    EXPECT_THROW(
        (JsonBody{R"({"items":{"$ref":"#/definitions/a"},"definitions":{"a":{"not":{"$ref":"#/definitions/a"}}}})", {}}),
        std::invalid_argument);
}

TEST(MediaType, JsonAndItsSuffix) {
    for (const auto* good : {"application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"}) {
        EXPECT_TRUE(is_json_media_type(good)) << good;
    }
    for (const auto* bad : {"", "text/plain", "application/jsonp", "json", "+json"})
        EXPECT_FALSE(is_json_media_type(bad)) << bad;
}

}  // namespace sluice::endpoints

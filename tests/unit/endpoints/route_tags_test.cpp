#include "endpoints/route_tags.hpp"

#include "endpoints/tag_types.hpp"

#include <gmock/gmock.h>

namespace sluice::endpoints {
namespace {

using postgres::InferredType;
using postgres::ParameterTypes;
using postgres::Spelling;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr InferredType text{Spelling::text, 25};
constexpr InferredType number{Spelling::number, 1700};
constexpr InferredType uuid{Spelling::uuid, 2950};
constexpr InferredType moment{Spelling::other, 1184};

StatementSpec statement() {
    StatementSpec spec;
    spec.parameters = {"id", "code"};
    spec.parameter_types = {ParameterType::integer, ParameterType::string};
    return spec;
}

RouteTags tags(const std::vector<std::string>& templates) {
    return {{templates.begin(), templates.end()}, statement(), {{{Spelling::number, 0}}, {{Spelling::text, 0}}}};
}

}  // namespace

TEST(RouteTags, AParameterIsSpelledByItsTypeNotByItsText) {
    const auto made = tags({"x:{id}:{code}"});
    const auto of = [&](const ParameterTypes* learned) { return made.fill(made.spell({"5.0", "1e5"}, learned).parameters); };
    EXPECT_THAT(of(nullptr), ElementsAre("x:5:1e5")) << "as declared";
    const ParameterTypes other{{text}, {number}};
    EXPECT_THAT(of(&other), ElementsAre("x:5.0:100000")) << "as PostgreSQL reads it";
    const ParameterTypes unnamed{{}, {}};
    EXPECT_THAT(of(&unnamed), ElementsAre("x:5:1e5")) << "the SQL does not name them";
}

TEST(RouteTags, AParameterOfSeveralTypesMakesATagForEachSpelling) {
    const auto made = tags({"x:{code}"});
    const ParameterTypes both{{}, {text, uuid}};
    EXPECT_THAT(made.fill(made.spell({"1", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"}, &both).parameters),
                ElementsAre("x:A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "x:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"));
    EXPECT_THAT(made.fill(made.spell({"1", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}, &both).parameters),
                ElementsAre("x:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"));
}

TEST(RouteTags, WhatOnlyPostgresKnowsIsAsked) {
    const auto made = tags({"x:{code}"});
    const ParameterTypes types{{}, {moment}};
    auto spelled = made.spell({"1", "2026-01-01T05:00:00+05:00"}, &types);
    ASSERT_EQ(spelled.open.size(), 1u);
    EXPECT_EQ(spelled.open[0].type, moment.oid);
    answer(spelled, R"([{"tag":"2026-01-01 00:00:00+00"}])");
    EXPECT_THAT(made.fill(spelled.parameters), ElementsAre("x:2026-01-01 00:00:00+00"));

    auto unanswered = made.spell({"1", "2026"}, &types);
    answer(unanswered, "");
    EXPECT_THAT(made.fill(unanswered.parameters), ElementsAre("x:2026"));
    EXPECT_THAT(made.spell({"1", std::nullopt}, &types).open, IsEmpty()) << "no value, no question";
    EXPECT_THAT(tags({"y"}).spell({"1", "2026"}, &types).open, IsEmpty()) << "no tag names it";
}

TEST(RouteTags, ColumnsStandInForWhatIsNoParameterOrHasNoValue) {
    const auto made = tags({"x:{code}", "y:{at}", "z:{none}", "c"});
    const auto row = R"({"code":"5.0","at":"2026-01-01 00:00:00+00","none":null})";
    EXPECT_THAT(made.fill(made.spell({"1", "given"}, nullptr).parameters, row),
                ElementsAre("x:given", "y:2026-01-01 00:00:00+00", "c"));
    EXPECT_THAT(made.fill(made.spell({"1", std::nullopt}, nullptr).parameters, row),
                ElementsAre("x:5.0", "y:2026-01-01 00:00:00+00", "c"));
    EXPECT_THAT(made.fill(made.spell({"1", std::nullopt}, nullptr).parameters, R"({"code":12345678901234567890123})"),
                ElementsAre("x:12345678901234567890123", "c"))
        << "a row as it is";
    EXPECT_THAT(made.fill({}), ElementsAre("c"));
}

TEST(RouteTags, DeclaredTypes) {
    RouteSettings route;
    const auto add = [&](const char* name, ParameterType type, std::optional<std::string> format = {}) {
        ParameterSettings parameter;
        parameter.name = name;
        parameter.type = type;
        parameter.format = std::move(format);
        route.parameters.push_back(parameter);
    };
    add("i", ParameterType::integer);
    add("b", ParameterType::boolean);
    add("s", ParameterType::string);
    add("u", ParameterType::string, "uuid");
    StatementSpec spec;
    spec.parameters = {"i", "b", "s", "u", "member"};
    spec.parameter_types = {ParameterType::integer, ParameterType::boolean, ParameterType::string, ParameterType::string,
                            ParameterType::string};
    route.body_schema = R"({"properties":{"member":{"type":"string","format":"uuid"}}})";
    std::vector<Spelling> spellings;
    for (const auto& types : declared_types(route, spec)) spellings.push_back(types.at(0).spelling);
    EXPECT_THAT(spellings, ElementsAre(Spelling::number, Spelling::boolean, Spelling::text, Spelling::uuid, Spelling::uuid));
}

}  // namespace sluice::endpoints

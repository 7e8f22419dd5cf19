#include "endpoints/tag_value.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::endpoints {
namespace {

using postgres::Spelling;

struct Case {
    const char* text;
    const char* spelled;  // null: not without PostgreSQL
};

void expect(Spelling spelling, const std::vector<Case>& cases) {
    for (const auto& c : cases) {
        const auto spelled = spell(spelling, c.text);
        EXPECT_EQ(spelled.has_value(), c.spelled != nullptr) << c.text;
        if (spelled && c.spelled) EXPECT_EQ(*spelled, c.spelled) << c.text;
    }
}

}  // namespace

TEST(TagValue, TextStaysText) {
    for (const auto* text :
         {"1234e56", "00123", "1e5", "-0", " 5", "5.0", "TRUE", "", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"})
        EXPECT_EQ(spell(Spelling::text, text), text);
}

TEST(TagValue, ANumberIsTheShortestDecimal) {
    expect(Spelling::number, {{"5", "5"},
                              {"007", "7"},
                              {"-0", "0"},
                              {"0.00", "0"},
                              {"+5", "5"},
                              {" 5 ", "5"},
                              {"5.00", "5"},
                              {"5.", "5"},
                              {".5", "0.5"},
                              {"-.50", "-0.5"},
                              {"50e-1", "5"},
                              {"1e5", "100000"},
                              {"12345678901234567890123", "12345678901234567890123"},
                              {"9007199254740993", "9007199254740993"},
                              {"NaN", nullptr},
                              {"", nullptr},
                              {".", nullptr},
                              {"-", nullptr},
                              {"5e", nullptr},
                              {"0x10", nullptr},
                              {"1_000", nullptr},
                              {"five", nullptr}});
}

TEST(TagValue, AUuidIsInLowerCaseWithHyphens) {
    const auto* plain = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
    expect(Spelling::uuid, {{"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", plain},
                            {"a0eebc999c0b4ef8bb6d6bb9bd380a11", plain},
                            {"{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", plain},
                            {"a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11", plain},
                            {"a0eebc99--9c0b-4ef8-bb6d-6bb9bd380a11", nullptr},
                            {"-a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", nullptr},
                            {"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11-", nullptr},
                            {"a0eebc9-99c0b-4ef8-bb6d-6bb9bd380a11", nullptr},
                            {"{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", nullptr},
                            {"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1", nullptr},
                            {"g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", nullptr},
                            {"", nullptr},
                            {"{", nullptr}});
}

TEST(TagValue, OtherTypes) {
    expect(Spelling::padded, {{"FR   ", "FR"}, {" FR", " FR"}, {"   ", ""}, {"FR\t", "FR\t"}});
    expect(Spelling::boolean, {{"true", "true"}, {"false", "false"}, {"t", nullptr}, {"1", nullptr}, {"TRUE", nullptr}});
    expect(Spelling::other, {{"2026-01-01", nullptr}, {"", nullptr}});
}

TEST(TagValue, OfJsonANumberIsExactAndATextIsAsItIs) {
    EXPECT_EQ(spell_json("12345678901234567890123"), "12345678901234567890123");
    EXPECT_EQ(spell_json("5.00"), "5");
    EXPECT_EQ(spell_json("1e+16"), "10000000000000000");
    EXPECT_EQ(spell_json(R"("5.00")"), "5.00");
    EXPECT_EQ(spell_json(R"("a\"bé")"), "a\"b\u00e9");
    EXPECT_EQ(spell_json("true"), "true");
    EXPECT_EQ(spell_json("null"), std::nullopt);
    EXPECT_EQ(spell_json(R"({"a": 1})"), R"({"a": 1})");
}

}  // namespace sluice::endpoints

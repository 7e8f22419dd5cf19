// The parser against the library's, on texts made of pieces of JSON.
#include "json/exact_json.hpp"

#include "json/decimal.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <variant>
#include <vector>

namespace sluice::endpoints {
namespace {

/// The same document, as the library has it: numbers apart, which the texts hold as integers alone.
bool is_same(const json::Json& ours, const nlohmann::json& theirs) {
    if (json::is_number(ours) || theirs.is_number())
        return json::is_number(ours) && theirs.is_number_integer() &&
               json::number_text(ours) == json::canonical_number(theirs.dump());
    if (ours.type() != theirs.type() || ours.size() != theirs.size()) return false;
    if (!ours.is_structured()) return ours == theirs;
    for (auto x = ours.begin(); x != ours.end(); ++x) {
        const auto& y = ours.is_object() ? theirs.at(x.key()) : theirs.at(static_cast<std::size_t>(x - ours.begin()));
        if (!is_same(*x, y)) return false;
    }
    return true;
}

}  // namespace

TEST(ExactJson, AgreesWithTheLibrarysParser) {
    std::mt19937 random{11};  // NOLINT(cert-msc51-cpp): the same texts each time
    const std::vector<std::string> pieces{"{",
                                          "}",
                                          "[",
                                          "]",
                                          ",",
                                          ":",
                                          "\"a\"",
                                          "\"b\":",
                                          "1",
                                          "-0",
                                          "-12",
                                          "01",
                                          "-",
                                          "null",
                                          "true",
                                          "false",
                                          "nul",
                                          " ",
                                          "\n",
                                          "\t",
                                          "\"\\u0041\"",
                                          "\"\\ud83d\\ude00\"",
                                          "\"\\ud83d\"",
                                          "\"\\udc00\"",
                                          "\"\\x\"",
                                          "\"",
                                          "\\",
                                          "\"é\"",
                                          "\"\xff\"",
                                          "\"\xed\xa0\x80\"",
                                          "\"\xf0\x9f\x98\x80\"",
                                          "\"\xc0\x80\"",
                                          "\"\xf4\x90\x80\x80\"",
                                          "\"\x01\"",
                                          "\"\\n\\/\"",
                                          "{\"a\":1}",
                                          "[1,2]",
                                          "[]",
                                          "{}",
                                          "\"a\":2,",
                                          ",\"c\":[",
                                          "\xEF\xBB"};
    std::size_t valid = 0;
    for (int i = 0; i < 300'000; ++i) {
        std::string text;
        for (auto length = 1 + random() % 7; length > 0; --length) text += pieces[random() % pieces.size()];
        const auto theirs = nlohmann::json::parse(text, nullptr, false);
        const auto ours = json::read_exactly(text);
        const auto* document = std::get_if<json::ExactJson>(&ours);
        ASSERT_EQ(document != nullptr, !theirs.is_discarded()) << text;
        if (!document) continue;
        ++valid;
        ASSERT_TRUE(is_same(document->root, theirs)) << text;
    }
    EXPECT_GT(valid, 5'000U) << "else little was compared";
}

TEST(ExactJson, KeepsEachNumber) {
    for (const auto& [text, canonical] : std::vector<std::pair<std::string, std::string>>{
             {"9223372036854775807", "9223372036854775807"},
             {"-9223372036854775808", "-9223372036854775808"},
             {"9223372036854775808", "9223372036854775808"},
             {"-0", "0"},
             {"5.0", "5"},
             {"50e-1", "5"},
             {"1.50", "1.5"},
             {"1e4932", json::canonical_number("1e4932")},
             {"1e-9999999999", json::canonical_number("1e-9999999999")},
         }) {
        const auto read = json::read_exactly(text);
        ASSERT_TRUE(std::holds_alternative<json::ExactJson>(read)) << text;
        EXPECT_EQ(json::number_text(std::get<json::ExactJson>(read).root), canonical) << text;
    }
    for (const auto& beyond :
         std::vector<std::string>{"1e4933", "-1.1e4932", "1e99999999999999999999", std::string(4'934, '9')}) {
        EXPECT_EQ(std::get<std::string>(json::read_exactly(beyond)), "must not hold numbers beyond 1e4932") << beyond;
    }
}

TEST(ExactJson, RemembersWhatTheOutermostMembersAre) {
    const std::string text = R"( {"a" : [1, {"a":2}] ,"b":"x","a": {"c":[ ]} } )";
    const auto read = json::read_exactly(text);
    const auto& document = std::get<json::ExactJson>(read);
    EXPECT_EQ(document.sources.size(), 2U);
    EXPECT_EQ(document.sources.at(&document.root.at("a")), R"({"c":[ ]})") << "the last one";
    EXPECT_EQ(document.sources.at(&document.root.at("b")), "\"x\"");
}

}  // namespace sluice::endpoints

#include "http/target.hpp"

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

std::string decoded(std::string_view raw) {
    std::string text;
    const auto error = decode_path(raw, text);
    return error ? "error: " + std::string{describe(*error)} : text;
}

std::optional<TargetError> error_of(std::string_view raw) {
    std::string text;
    return decode_path(raw, text);
}

std::vector<std::pair<std::string, std::string>> query(std::string_view raw) {
    std::vector<QueryParameter> parameters;
    EXPECT_EQ(decode_query(raw, parameters), std::nullopt) << raw;
    std::vector<std::pair<std::string, std::string>> pairs;
    for (auto& [name, value] : parameters) pairs.emplace_back(name, value);
    return pairs;
}

}  // namespace

TEST(Target, DecodesPercentEscapesOfEitherCase) {
    EXPECT_EQ(decoded("a%20b%2Fc%2f"), "a b/c/");
    EXPECT_EQ(decoded("M%C3%BCnchen"), "München");
    EXPECT_EQ(decoded(""), "");
}

TEST(Target, PlusInAPathIsAPlus) { EXPECT_EQ(decoded("a+b"), "a+b"); }

TEST(Target, DecodesOnlyOnce) { EXPECT_EQ(decoded("%2541"), "%41"); }

TEST(Target, RefusesBadEscapes) {
    for (const auto* raw : {"%", "%4", "a%", "%zz", "%4g", "%%20", "% 1", "%+1"}) {
        EXPECT_EQ(error_of(raw), TargetError::bad_escape) << raw;
    }
}

TEST(Target, RefusesAnEncodedNul) { EXPECT_EQ(error_of("a%00b"), TargetError::nul); }

TEST(Target, AcceptsTheEdgesOfUtf8) {
    for (const auto* raw :
         {"%7F", "%C2%80", "%DF%BF", "%E0%A0%80", "%ED%9F%BF", "%EE%80%80", "%EF%BF%BF", "%F0%90%80%80", "%F4%8F%BF%BF"}) {
        EXPECT_EQ(error_of(raw), std::nullopt) << raw;
    }
}

TEST(Target, RefusesWhatIsNotUtf8) {
    for (const auto* raw : {
             "%80",           // a continuation without a lead
             "%C0%AF",        // overlong slash
             "%C1%BF",        // overlong
             "%E0%80%AF",     // overlong slash in three bytes
             "%E0%9F%BF",     // overlong
             "%F0%80%80%AF",  // overlong slash in four bytes
             "%F0%8F%BF%BF",  // overlong
             "%ED%A0%80",     // the first surrogate
             "%ED%BF%BF",     // the last one
             "%F4%90%80%80",  // above U+10FFFF
             "%F5%80%80%80",  // no lead
             "%FF",           // no lead
             "%C3",           // cut off
             "%E2%82",        // cut off
             "%F0%9F%98",     // cut off
             "%C3%28",        // a lead before ASCII
             "%E2%28%A1",     // broken in the middle
             "%F0%9F%28%80",  // broken in the middle
         }) {
        EXPECT_EQ(error_of(raw), TargetError::bad_utf8) << raw;
    }
}

TEST(Query, KeepsOrderAndRepetitions) {
    using Pairs = std::vector<std::pair<std::string, std::string>>;
    EXPECT_EQ(query("b=2&a=1&b=3"), (Pairs{{"b", "2"}, {"a", "1"}, {"b", "3"}}));
    EXPECT_EQ(query(""), Pairs{});
}

TEST(Query, PlusIsASpaceAndEscapedPlusIsNot) {
    using Pairs = std::vector<std::pair<std::string, std::string>>;
    EXPECT_EQ(query("q=a+b%2Bc%20d"), (Pairs{{"q", "a b+c d"}}));
}

TEST(Query, MissingPartsAreEmpty) {
    using Pairs = std::vector<std::pair<std::string, std::string>>;
    EXPECT_EQ(query("a"), (Pairs{{"a", ""}}));
    EXPECT_EQ(query("a="), (Pairs{{"a", ""}}));
    EXPECT_EQ(query("=1"), (Pairs{{"", "1"}}));
    EXPECT_EQ(query("&&a=1&"), (Pairs{{"a", "1"}}));
    EXPECT_EQ(query("a=b=c"), (Pairs{{"a", "b=c"}}));
    EXPECT_EQ(query("a%26b=%3D"), (Pairs{{"a&b", "="}}));
}

TEST(Query, RefusesBadBytesInNameAndValue) {
    std::vector<QueryParameter> parameters;
    EXPECT_EQ(decode_query("a=1&%ff=2", parameters), TargetError::bad_utf8);
    EXPECT_EQ(decode_query("a=%0", parameters), TargetError::bad_escape);
    EXPECT_EQ(decode_query("a=%00", parameters), TargetError::nul);
}

}  // namespace sluice::http

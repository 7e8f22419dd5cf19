#include "policy/preconditions.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::policy {
namespace {

using enum Judgement;

struct Case {
    const char* clause;  // of RFC 9110
    Method method;
    std::vector<HeaderField> fields;
    CurrentState current;
    Judgement judgement;
};

constexpr CurrentState there{true, "\"abc\""};
constexpr CurrentState coded{true, "\"abc-br\""};
constexpr CurrentState without_validator{true, ""};
constexpr CurrentState nothing{};

void expect(const std::vector<Case>& cases) {
    for (const auto& one : cases) {
        std::string what = one.clause;
        what.append(": ").append(to_string(one.method));
        for (const auto& [name, value] : one.fields) what.append(", ").append(name).append(": ").append(value);
        what.append(one.current.exists ? " on " : " on nothing").append(one.current.etag);
        EXPECT_EQ(one.judgement, judge_preconditions(one.method, one.fields, one.current)) << what;
    }
}

constexpr auto get = Method::get;
constexpr auto put = Method::put;

}  // namespace

TEST(Preconditions, IfMatch) {
    expect({
        {"13.1.1, any", put, {{"If-Match", "*"}}, there, perform},
        {"13.1.1, any", put, {{"if-match", " * "}}, without_validator, perform},
        {"13.1.1, any", put, {{"If-Match", "*"}}, nothing, failed},
        {"13.1.1, list", put, {{"If-Match", "\"abc\""}}, there, perform},
        {"13.1.1, list", put, {{"If-Match", "\"x\", \"abc\",\t\"y\""}}, there, perform},
        {"13.1.1, list", put, {{"If-Match", "\"x\""}}, there, failed},
        {"13.1.1, list", put, {{"If-Match", "\"abc\""}}, nothing, failed},
        {"13.1.1, list", put, {{"If-Match", "\"\""}}, without_validator, failed},
        {"13.1.1, strong comparison", put, {{"If-Match", "W/\"abc\""}}, there, failed},
        {"13.1.1, strong comparison", put, {{"If-Match", "W/\"abc\", \"abc\""}}, there, perform},
        {"5.3, one list", put, {{"If-Match", "\"x\""}, {"If-Match", "\"abc\""}}, there, perform},
        {"5.6.1.2, empty elements", put, {{"If-Match", ", \"x\",, \"abc\" ,"}}, there, perform},
        {"8.8.3, a comma in a tag", put, {{"If-Match", "\"x,\"abc\",y\""}}, there, failed},
        {"8.8.3, not a tag", put, {{"If-Match", "abc"}}, there, failed},
        {"8.8.3, not a tag", put, {{"If-Match", "\"abc"}}, there, failed},
        {"8.8.3, not a tag", put, {{"If-Match", ""}}, there, failed},
        {"8.8.3, w/ is no W/", put, {{"If-Match", "w/\"abc\""}}, there, failed},
        {"8.8.3.3, codings", put, {{"If-Match", "\"abc-gzip\""}}, there, perform},
        {"8.8.3.3, codings", put, {{"If-Match", "\"abc-br\""}}, there, perform},
        {"8.8.3.3, codings", get, {{"If-Match", "\"abc-gzip\""}}, coded, perform},
        {"8.8.3.3, codings", put, {{"If-Match", "\"abc-zstd\""}}, there, failed},
        {"8.8.3.3, codings", put, {{"If-Match", "\"abcbr\""}}, there, failed},
        {"13.1.1, a read", get, {{"If-Match", "\"x\""}}, there, failed},
        {"13.1.1, a read", get, {{"If-Match", "\"abc\""}}, there, perform},
    });
}

TEST(Preconditions, IfNoneMatch) {
    expect({
        {"13.1.2, any", put, {{"If-None-Match", "*"}}, there, failed},
        {"13.1.2, any", put, {{"If-None-Match", "*"}}, without_validator, failed},
        {"13.1.2, any", put, {{"If-None-Match", "*"}}, nothing, perform},
        {"13.1.2, any", get, {{"If-None-Match", "*"}}, there, not_modified},
        {"13.1.2, any", Method::head, {{"If-None-Match", "*"}}, there, not_modified},
        {"13.1.2, list", get, {{"If-None-Match", "\"abc\""}}, there, not_modified},
        {"13.1.2, list", get, {{"If-None-Match", "\"x\", \"abc\""}}, there, not_modified},
        {"13.1.2, list", get, {{"If-None-Match", "\"x\""}, {"if-none-match", "\"abc\""}}, there, not_modified},
        {"13.1.2, list", get, {{"If-None-Match", "\"x\""}}, there, perform},
        {"13.1.2, list", put, {{"If-None-Match", "\"abc\""}}, there, failed},
        {"13.1.2, list", Method::delete_, {{"If-None-Match", "\"x\""}}, there, perform},
        {"13.1.2, weak comparison", get, {{"If-None-Match", "W/\"abc\""}}, there, not_modified},
        {"13.1.2, weak comparison", put, {{"If-None-Match", "W/\"abc\""}}, there, failed},
        {"8.8.3.3, codings differ to a cache", get, {{"If-None-Match", "\"abc\""}}, coded, perform},
        {"8.8.3.3, codings differ to a cache", get, {{"If-None-Match", "\"abc-br\""}}, there, perform},
        {"8.8.3.3, codings are of one state", put, {{"If-None-Match", "\"abc-br\""}}, there, failed},
        {"8.8.3, not a tag", get, {{"If-None-Match", "abc"}}, there, perform},
        {"8.8.3, not a tag", get, {{"If-None-Match", ""}}, there, perform},
        {"no validator", get, {{"If-None-Match", "*"}}, without_validator, perform},
    });
}

TEST(Preconditions, AreJudgedInTheirOrder) {
    const auto* old_date = "Sat, 29 Oct 1994 19:43:31 GMT";
    expect({
        {"13.2.2, 1 before 3", get, {{"If-None-Match", "\"abc\""}, {"If-Match", "\"x\""}}, there, failed},
        {"13.2.2, 1 then 3", get, {{"If-None-Match", "\"abc\""}, {"If-Match", "\"abc\""}}, there, not_modified},
        {"13.2.2, 1 then 3", put, {{"If-None-Match", "\"abc\""}, {"If-Match", "\"abc\""}}, there, failed},
        {"13.1.4, no date to compare", put, {{"If-Unmodified-Since", old_date}}, there, perform},
        {"13.1.3, no date to compare", get, {{"If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"}}, there, perform},
        {"13.1.3, beside If-None-Match",
         get,
         {{"If-Modified-Since", old_date}, {"If-None-Match", "\"abc\""}},
         there,
         not_modified},
        {"13.1.5, no ranges", get, {{"If-Range", "\"x\""}, {"Range", "bytes=0-1"}}, there, perform},
        {"13.2.2, none", put, {{"Accept", "*/*"}}, nothing, perform},
    });
}

TEST(Preconditions, HaveAForm) {
    EXPECT_EQ(form_of_condition("*"), ConditionForm::anything);
    for (const auto* list : {"\"a\"", "W/\"a\"", "\"\"", "\"a\", W/\"b\"", ",\"a\",", "\"\xc3\xa9,'{}\""}) {
        EXPECT_EQ(form_of_condition(list), ConditionForm::tags) << list;
    }
    for (const auto* bad : {"", " ", ",", "a", "\"a", "a\"", "\"a\"b", "\"a\" \"b\"", "\"a\", *", "*, \"a\"", "*, *", "**",
                            "\"a b\"", "W/", "W/a", "w/\"a\"", "W/ \"a\"", "\"a\x7f\""}) {
        EXPECT_EQ(form_of_condition(bad), ConditionForm::malformed) << bad;
    }
    EXPECT_TRUE(is_precondition("if-match"));
    EXPECT_TRUE(is_precondition("IF-NONE-MATCH"));
    EXPECT_FALSE(is_precondition("If-Range"));
    EXPECT_FALSE(is_precondition("If-Unmodified-Since"));
}

}  // namespace sluice::policy

#include "endpoints/answer_fields.hpp"

#include <gtest/gtest.h>

namespace sluice::endpoints {
namespace {

RouteSettings route(std::string name, std::string value, ResultShape result = ResultShape::one) {
    RouteSettings made;
    ParameterSettings id;
    id.name = "id";
    id.in_path = true;
    ParameterSettings q;
    q.name = "q";
    made.parameters = {id, q};
    made.sql().result = result;
    made.headers = {{std::move(name), std::move(value), {}}};
    return made;
}

/// The field's value; `-` if it is left out.
std::string field(const RouteSettings& settings, std::string_view row, std::optional<std::string> q = std::nullopt) {
    HeaderBlock headers;
    AnswerFields{settings}.add_to(headers, {"7", std::move(q)}, row);
    return std::string{headers.find(settings.headers.front().name).value_or("-")};
}

}  // namespace

TEST(AnswerFields, TheRowGoesBeforeParameters) {
    EXPECT_EQ(field(route("X-Id", "{id}"), R"({"id":5})"), "5");
    EXPECT_EQ(field(route("X-Id", "{id}"), R"({"other":5})"), "7");
    EXPECT_EQ(field(route("X-Id", "{id}"), R"({"id":null})"), "-") << "it has one, which is nothing";
    EXPECT_EQ(field(route("X-Id", "{id}"), ""), "7");
    EXPECT_EQ(field(route("X-Id", "a {id} b {q}"), "{}", "c"), "a 7 b c");
    EXPECT_EQ(field(route("X-Id", "a {q}"), "{}"), "-");
    EXPECT_EQ(field(route("X-Id", "text"), "{}"), "text");
}

TEST(AnswerFields, ValuesOfEveryTypeAreWritten) {
    const auto written = [](const std::string& json) { return field(route("X-Id", "{v}"), R"({"v":)" + json + "}"); };
    EXPECT_EQ(written("1.50"), "1.50");
    EXPECT_EQ(written("12345678901234567890.5"), "12345678901234567890.5");
    EXPECT_EQ(written("true"), "true");
    EXPECT_EQ(written(R"("a\"b\u00e9")"), "a\"b%C3%A9");
    EXPECT_EQ(written(R"([1,{"a":2}])"), R"([1,{"a":2}])");
    EXPECT_EQ(written(R"("")"), "");
}

TEST(AnswerFields, NothingInAValueEndsAFieldOrASegment) {
    for (const std::string text : {"\r\nX-Evil: 1", "\n", "\r", "\t", "\x7f", std::string{"\0", 1}.c_str()}) {
        for (const auto* name : {"Location", "X-Any"}) {
            const auto value = field(route(name, "x{q}"), "{}", text);
            EXPECT_EQ(value.find_first_of("\r\n\t\x7f"), std::string::npos) << value;
        }
    }
    const auto location = [](const std::string& value) { return field(route("location", "/v1/{q}"), "{}", value); };
    EXPECT_EQ(location("a/b?c#d%e f;g=h&i,j:k@l+m"), "/v1/a%2Fb%3Fc%23d%25e%20f%3Bg%3Dh%26i%2Cj%3Ak%40l%2Bm");
    EXPECT_EQ(location("A-z_0.9~"), "/v1/A-z_0.9~");
    EXPECT_EQ(location("..."), "/v1/...");
    for (const auto* nowhere : {"", ".", ".."}) EXPECT_EQ(location(nowhere), "-") << nowhere;
    EXPECT_EQ(field(route("X-Any", "{q}"), "{}", ".."), "..");
    EXPECT_EQ(field(route("Link", "</v1/{q}>; rel=\"up\""), "{}", "a>b"), "</v1/a%3Eb>; rel=\"up\"");
}

TEST(AnswerFields, ALongOneIsLeftOut) {
    EXPECT_EQ(field(route("X-Any", "{q}"), "{}", std::string(AnswerFields::longest, 'x')).size(), AnswerFields::longest);
    EXPECT_EQ(field(route("X-Any", "{q}"), "{}", std::string(AnswerFields::longest + 1, 'x')), "-");
    EXPECT_EQ(field(route("Location", "{q}"), "{}", std::string(AnswerFields::longest / 2, '/')), "-") << "encoded";
}

TEST(AnswerFields, KnowsWhatTheRowMustHave) {
    auto settings = route("Location", "/{id}/{other}");
    settings.headers.push_back({"X-Any", "{q}{more}", {}});
    const AnswerFields fields{settings};
    ASSERT_EQ(fields.needed().size(), 2U);
    EXPECT_EQ(fields.needed()[0].column, "other");
    EXPECT_EQ(fields.needed()[1].column, "more");
    EXPECT_EQ(fields.needed()[1].field, 1U);
    EXPECT_TRUE(fields.need_row());
    EXPECT_FALSE((AnswerFields{route("X-Any", "text")}.need_row()));
    EXPECT_FALSE((AnswerFields{route("X-Any", "{q}", ResultShape::many)}.need_row()));
}

}  // namespace sluice::endpoints

#include "endpoints/representation.hpp"

#include "cache/etag.hpp"
#include "json/row_member.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace sluice::endpoints {
namespace {

RouteSettings route(ResultShape result, EtagMode etag = EtagMode::on, unsigned status = 200) {
    RouteSettings made;
    made.sql().text = "select 1";
    made.sql().result = result;
    made.etag = etag;
    made.status = status;
    return made;
}

QueryResult row(std::string json) {
    QueryResult result;
    result.json = std::move(json);
    result.found = true;
    return result;
}

std::string etag(const Representation& shown, const QueryResult& result) {
    return shown.etag(result, shown.body(result, {}));
}

}  // namespace

TEST(RowMember, IsFoundWithoutReadingTheOthers) {
    const std::string json =
        R"({"id":5,"a\"version":1,"text":"\"version\":2,}","list":[{"version":3},"]"],"o":{"version":4} ,"version":"7,8"})";
    EXPECT_EQ(json::row_member(json, "id"), "5");
    EXPECT_EQ(json::row_member(json, "version"), R"("7,8")");
    EXPECT_EQ(json::row_member(json, "list"), R"([{"version":3},"]"])");
    EXPECT_EQ(json::row_member(json, "o"), R"({"version":4})");
    EXPECT_EQ(json::row_member(json, "vers"), std::nullopt);
    EXPECT_EQ(json::row_member(R"({"version":null})", "version"), "null");
    EXPECT_EQ(json::row_member(R"({"version": 1.50})", "version"), "1.50");
    for (const auto* other : {"", "{}", "null", R"({"version)", R"({"version")", R"({"a":"\)"}) {
        EXPECT_EQ(json::row_member(other, "version"), std::nullopt) << other;
    }
}

TEST(Representation, StatusAndBodyComeFromOnePlace) {
    const auto found = row(R"({"id":1})");
    const QueryResult none;
    struct Case {
        ResultShape result;
        unsigned configured;
        QueryResult query;
        unsigned status;
        bool body;
    };
    const std::vector<Case> cases{
        {ResultShape::one, 200, found, 200, true},  {ResultShape::one, 203, found, 203, true},
        {ResultShape::one, 204, found, 204, false}, {ResultShape::one, 205, found, 205, false},
        {ResultShape::one, 204, none, 404, false},  {ResultShape::one, 200, none, 404, false},
        {ResultShape::many, 200, found, 200, true}, {ResultShape::many, 204, found, 204, false},
        {ResultShape::none, 204, none, 204, false}, {ResultShape::none, 200, none, 204, false},
    };
    for (const auto& one : cases) {
        const Representation shown{route(one.result, EtagMode::on, one.configured), {}};
        const auto answer = shown.answer(one.query, {});
        EXPECT_EQ(answer.status, one.status) << one.configured;
        EXPECT_EQ(answer.body.has_value(), one.body) << one.configured;
        EXPECT_EQ(shown.status(one.query), one.status);
    }
}

TEST(Representation, ItsEtagIsThatOfTheBytesOrOfTheVersion) {
    const auto first = row(R"({"id":1,"version":7,"text":"a"})");
    const auto edited = row(R"({"id":1,"version":7,"text":"b"})");
    const auto next = row(R"({"id":1,"version":8,"text":"a"})");

    const Representation whole{route(ResultShape::one), {}};
    EXPECT_EQ(etag(whole, first), cache::strong_etag(R"({"data":{"id":1,"version":7,"text":"a"}})"));
    EXPECT_NE(etag(whole, first), etag(whole, edited));

    const Representation version{route(ResultShape::one, EtagMode::version), {}};
    EXPECT_EQ(etag(version, first), etag(version, edited));
    EXPECT_NE(etag(version, first), etag(version, next));
    EXPECT_EQ(etag(version, row(R"({"version":null})")), "");
    EXPECT_EQ(etag(version, row(R"({"id":7})")), "");
    auto other_form = route(ResultShape::one, EtagMode::version);
    other_form.sql().text = "select 2";
    EXPECT_NE(etag(Representation{other_form, {}}, first), etag(version, first)) << "the same row shown otherwise";

    EXPECT_EQ(etag(Representation{route(ResultShape::one, EtagMode::off), {}}, first), "");
    EXPECT_EQ(etag(Representation{route(ResultShape::none), {}}, {}), "");
}

TEST(Etag, OfMuchIsMadeByTurns) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, cache::hashed_at_once, 3 * cache::hashed_at_once + 1}) {
        const std::string bytes(size, 'x');
        boost::asio::io_context loop;
        std::string made;
        boost::asio::co_spawn(loop, cache::strong_etag_by_turns(bytes),
                              [&](const std::exception_ptr&, std::string tag) { made = std::move(tag); });
        const auto turns = loop.run();
        EXPECT_EQ(made, cache::strong_etag(bytes)) << size;
        EXPECT_GE(turns, std::max<std::size_t>(1, size / cache::hashed_at_once)) << "others had theirs between";
    }
    EXPECT_EQ(cache::strong_etag(""), "\"e3b0c44298fc1c149afbf4c8996fb924\"");
    EXPECT_EQ(cache::coded_etag("", policy::ContentCoding::gzip), "") << "what has none has none in any coding";
}

}  // namespace sluice::endpoints

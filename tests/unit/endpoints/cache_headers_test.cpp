#include "endpoints/cache_headers.hpp"

#include "endpoints/cache_key.hpp"
#include "endpoints/database_problem.hpp"
#include "sluice/handler.hpp"

#include <gtest/gtest.h>

namespace sluice::endpoints {
namespace {

using namespace std::chrono_literals;
using How = cache::Answer::How;

class NoBody final : public BodyReader {
public:
    awaitable<std::string_view> read(std::size_t) override { co_return ""; }
};

struct ExchangeFixture {
    boost::asio::io_context loop;
    NoBody body;
    Exchange exchange{loop.get_executor(), body};
};

std::shared_ptr<cache::CachedValue> paris(TimePoint loaded_at) {
    auto value = std::make_shared<cache::CachedValue>();
    value->body = R"({"data":{"name":"Paris"}})";
    value->etag = "\"abc\"";
    value->loaded_at = loaded_at;
    value->ttl = 300s;
    return value;
}

}  // namespace

TEST(CachedResponse, SaysWhereItCameFromAndForHowLong) {
    ExchangeFixture fixture;
    const auto now = Clock::now();
    const auto response = cached_response(fixture.exchange, paris(now - 13s), How::level_one, "no-cache", false, now);
    EXPECT_EQ(response.status, 200u);
    EXPECT_EQ(response.headers.find("Cache-Status"), "sluice; hit; ttl=287; detail=l1");
    EXPECT_EQ(response.headers.find("Age"), "13");
    EXPECT_EQ(response.headers.find("ETag"), "\"abc\"");
    EXPECT_EQ(response.body_view(), R"({"data":{"name":"Paris"}})");
    EXPECT_EQ(
        cached_response(fixture.exchange, paris(now), How::loaded, "no-cache", false, now).headers.find("Cache-Status"),
        "sluice; fwd=miss");
    EXPECT_EQ(
        cached_response(fixture.exchange, paris(now), How::collapsed, "no-cache", false, now).headers.find("Cache-Status"),
        "sluice; fwd=miss; collapsed");
}

TEST(CachedResponse, AStaleOneIsMarkedAndHasNoEtag) {
    ExchangeFixture fixture;
    const auto now = Clock::now();
    const auto response = cached_response(fixture.exchange, paris(now - 312s), How::stale, "no-cache", false, now);
    EXPECT_EQ(response.body_view(), R"({"data":{"name":"Paris"},"stale":true})");
    EXPECT_EQ(response.headers.find("Cache-Status"), "sluice; hit; ttl=-12; detail=stale");
    EXPECT_EQ(response.headers.find("ETag"), std::nullopt);
}

TEST(CachedResponse, AnswersAConditionWith304) {
    ExchangeFixture fixture;
    fixture.exchange.request.headers = {{"if-none-match", "\"x\", W/\"abc\""}};
    const auto now = Clock::now();
    const auto response = cached_response(fixture.exchange, paris(now), How::level_one, "no-cache", false, now);
    EXPECT_EQ(response.status, 304u);
    EXPECT_TRUE(response.body_view().empty());
    EXPECT_EQ(response.headers.find("ETag"), "\"abc\"");
}

TEST(CachedResponse, APersonalOneVariesByCredential) {
    ExchangeFixture fixture;
    const auto now = Clock::now();
    const auto response = cached_response(fixture.exchange, paris(now), How::level_one, "private, no-cache", true, now);
    EXPECT_EQ(response.headers.find("Vary"), "Authorization, X-API-Key");
    EXPECT_EQ(response.headers.find("Cache-Control"), "private, no-cache");
}

TEST(EtagMatches, ComparesWeaklyInLists) {
    EXPECT_TRUE(etag_matches("*", "\"a\""));
    EXPECT_TRUE(etag_matches("\"a\"", "\"a\""));
    EXPECT_TRUE(etag_matches("W/\"a\"", "\"a\""));
    EXPECT_TRUE(etag_matches(" \"b\" ,\t\"a\" ", "\"a\""));
    EXPECT_FALSE(etag_matches("\"b\"", "\"a\""));
    EXPECT_FALSE(etag_matches("a", "\"a\""));
    EXPECT_FALSE(etag_matches("", "\"a\""));
}

TEST(CacheControl, FollowsTheRule) {
    CacheRule rule;
    EXPECT_EQ(cache_control(rule, false), "no-cache");
    EXPECT_EQ(cache_control(rule, true), "private, no-cache");
    rule.max_age = 60s;
    EXPECT_EQ(cache_control(rule, false), "max-age=60, stale-if-error=3600");
    rule.revalidate = 30s;
    rule.stale = 0ms;
    EXPECT_EQ(cache_control(rule, true), "private, max-age=60, stale-while-revalidate=30");
}

TEST(CanonicalPath, IsTheSameForEverySpelling) {
    ExchangeFixture fixture;
    Route route;
    route.pattern = "/v1/{kind}/cities/{id}";
    fixture.exchange.route = &route;
    fixture.exchange.path_values = {"a b/é", "1"};
    fixture.exchange.query = {{"z", "1"}, {"a", "x&y=z"}, {"a", ""}};
    EXPECT_EQ(canonical_path(fixture.exchange), "/v1/a%20b%2F%C3%A9/cities/1?a=x%26y%3Dz&a=&z=1");
    fixture.exchange.query.clear();
    EXPECT_EQ(canonical_path(fixture.exchange), "/v1/a%20b%2F%C3%A9/cities/1");
}

TEST(DatabaseProblem, MapsEachErrorAndLeaksNothing) {
    struct Case {
        DatabaseError::Kind kind;
        std::string state;
        InputSource source;
        unsigned status;
    };
    using enum DatabaseError::Kind;
    const std::vector<Case> cases{
        {unavailable, "", InputSource::parameters, 503},   {overloaded, "", InputSource::parameters, 503},
        {timed_out, "", InputSource::parameters, 504},     {outcome_unknown, "", InputSource::body, 504},
        {rejected, "23505", InputSource::body, 409},       {rejected, "23P01", InputSource::body, 409},
        {rejected, "23503", InputSource::body, 422},       {rejected, "23514", InputSource::body, 422},
        {rejected, "23502", InputSource::body, 422},       {rejected, "22003", InputSource::parameters, 400},
        {rejected, "22P02", InputSource::body, 422},       {rejected, "40001", InputSource::body, 503},
        {rejected, "53300", InputSource::body, 503},       {rejected, "P0001", InputSource::body, 422},
        {rejected, "42501", InputSource::body, 500},       {rejected, "25006", InputSource::parameters, 500},
        {rejected, "XX000", InputSource::parameters, 500},
    };
    for (const auto& one : cases) {
        const auto problem = to_problem({one.kind, one.state, "relation \"secret\" at host db1"}, one.source);
        EXPECT_EQ(problem.status, one.status) << one.state;
        EXPECT_EQ(problem.detail.find("secret"), std::string::npos);
        EXPECT_EQ(problem.retry_after.has_value(), one.status == 503) << one.state;
    }
}

}  // namespace sluice::endpoints

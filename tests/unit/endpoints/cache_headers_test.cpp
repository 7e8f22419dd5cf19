#include "endpoints/cache_headers.hpp"

#include "endpoints/cache_key.hpp"
#include "endpoints/database_problem.hpp"
#include "sluice/handler.hpp"
#include "support/exchange_fixture.hpp"

#include <gtest/gtest.h>

namespace sluice::endpoints {
namespace {

std::string path_of(const Exchange& exchange) {
    std::string path;
    append_canonical_path(path, exchange);
    return path;
}

std::string variant_of(const CacheVariation& vary, bool by_claims, const Exchange& exchange) {
    std::string key;
    append_variant(key, vary, by_claims, exchange);
    return key;
}

using namespace std::chrono_literals;
using How = cache::Answer::How;
using test::ExchangeFixture;

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
    const auto response =
        cached_response(fixture.exchange, paris(now - 13s), {}, How::level_one, RouteHeaders{CacheRule{}}, now);
    EXPECT_EQ(response.status, 200u);
    EXPECT_EQ(response.headers.find("Cache-Status"), "sluice; hit; ttl=287; detail=l1");
    EXPECT_EQ(response.headers.find("Age"), "13");
    EXPECT_EQ(response.headers.find("ETag"), "\"abc\"");
    EXPECT_EQ(response.body_view(), R"({"data":{"name":"Paris"}})");
    EXPECT_EQ(cached_response(fixture.exchange, paris(now), {}, How::loaded, RouteHeaders{CacheRule{}}, now)
                  .headers.find("Cache-Status"),
              "sluice; fwd=miss");
    EXPECT_EQ(cached_response(fixture.exchange, paris(now), {}, How::collapsed, RouteHeaders{CacheRule{}}, now)
                  .headers.find("Cache-Status"),
              "sluice; fwd=miss; collapsed");
}

TEST(CachedResponse, WithoutAnEnvelopeAStaleCopySaysSoInItsFieldsAlone) {
    ExchangeFixture fixture;
    const auto now = Clock::now();
    auto value = paris(now - 312s);
    value->body = R"([1,2])";
    const RouteHeaders route{CacheRule{}, false};
    const auto response = cached_response(fixture.exchange, value, {}, How::stale, route, now);
    EXPECT_EQ(response.body_view(), "[1,2]");
    EXPECT_EQ(response.headers.find("Cache-Status"), "sluice; hit; ttl=-12; detail=stale");
    EXPECT_FALSE(response.headers.find("ETag"));
}

TEST(CachedResponse, AgeCountsFromTheLastValidation) {
    ExchangeFixture fixture;
    const auto now = Clock::now();
    const auto age = [&](const std::shared_ptr<cache::CachedValue>& value, How how, std::optional<TimePoint> validated) {
        const RouteHeaders route{CacheRule{}};
        const auto response = cached_response(fixture.exchange, value, {}, how, route, now, validated);
        return std::string{response.headers.find("Age").value_or("none")};
    };
    auto tagged = paris(now - 13s);
    tagged->tags = {"city:1"};
    EXPECT_EQ(age(tagged, How::level_one, now - 100ms), "0");
    EXPECT_EQ(age(tagged, How::level_two, now - 4s), "4") << "polls fail: so long nobody has looked";
    EXPECT_EQ(age(tagged, How::level_one, now - 20s), "13") << "it was loaded since";
    EXPECT_EQ(age(tagged, How::level_one, std::nullopt), "13") << "nothing tells of changes";
    EXPECT_EQ(age(tagged, How::stale, now), "13") << "it is known to be old";
    EXPECT_EQ(age(paris(now - 13s), How::level_one, now), "13") << "no tag tells of its changes";
    auto outlived = paris(now - 301s);
    outlived->tags = {"city:1"};
    EXPECT_EQ(age(outlived, How::level_one, now), "301") << "served while it is loaded anew";
}

TEST(CachedResponse, AStaleOneIsMarkedAndHasNoEtag) {
    ExchangeFixture fixture;
    const auto now = Clock::now();
    const auto response =
        cached_response(fixture.exchange, paris(now - 312s), {}, How::stale, RouteHeaders{CacheRule{}}, now);
    EXPECT_EQ(response.body_view(), R"({"data":{"name":"Paris"},"stale":true})");
    EXPECT_EQ(response.headers.find("Cache-Status"), "sluice; hit; ttl=-12; detail=stale");
    EXPECT_EQ(response.headers.find("ETag"), std::nullopt);
}

TEST(CachedResponse, TheRoutesOwnFieldsAreOnAStaleOneTooAndTagsAreNot) {
    ExchangeFixture fixture;
    const auto now = Clock::now();
    const auto value = paris(now - 312s);
    value->headers.add("X-Name", "Paris");
    value->headers.add("Cache-Tag", "city:1");
    const RouteHeaders route{CacheRule{}};
    const auto stale = cached_response(fixture.exchange, value, {}, How::stale, route, now);
    EXPECT_EQ(stale.headers.find("X-Name"), "Paris");
    EXPECT_EQ(stale.headers.find("Cache-Tag"), std::nullopt);
    const auto fresh = cached_response(fixture.exchange, value, {}, How::level_one, route, now);
    EXPECT_EQ(fresh.headers.find("Cache-Tag"), "city:1");
    fixture.exchange.request.headers = {{"If-None-Match", "\"abc\""}};
    const auto unchanged = cached_response(fixture.exchange, value, {}, How::level_one, route, now);
    EXPECT_EQ(unchanged.status, 304U);
    EXPECT_EQ(unchanged.headers.find("X-Name"), "Paris");
}

TEST(CachedResponse, AnswersAConditionWith304) {
    ExchangeFixture fixture;
    fixture.exchange.request.headers = {{"if-none-match", "\"x\", W/\"abc\""}};
    const auto now = Clock::now();
    const auto response = cached_response(fixture.exchange, paris(now), {}, How::level_one, RouteHeaders{CacheRule{}}, now);
    EXPECT_EQ(response.status, 304u);
    EXPECT_TRUE(response.body_view().empty());
    EXPECT_EQ(response.headers.find("ETag"), "\"abc\"");
}

TEST(CachedResponse, AnswersAConditionThatFailsWith412) {
    ExchangeFixture fixture;
    fixture.exchange.request.headers = {{"If-Match", "\"x\""}, {"If-None-Match", "\"abc\""}};
    const auto now = Clock::now();
    const RouteHeaders route{CacheRule{}};
    EXPECT_EQ(cached_response(fixture.exchange, paris(now), {}, How::level_one, route, now).status, 412u);
    fixture.exchange.request.headers = {{"If-Match", "\"abc-gzip\""}};
    EXPECT_EQ(cached_response(fixture.exchange, paris(now), {}, How::level_one, route, now).status, 200u);
    // Nothing says that the copy is what the client means, nor that the client's is current.
    EXPECT_EQ(cached_response(fixture.exchange, paris(now - 312s), {}, How::stale, route, now).status, 412u);
    fixture.exchange.request.headers = {{"If-None-Match", "*"}};
    EXPECT_EQ(cached_response(fixture.exchange, paris(now - 312s), {}, How::stale, route, now).status, 200u);
}

TEST(CachedResponse, HasTheRoutesStatusAndNoContentWhereThatHasNone) {
    const auto now = Clock::now();
    for (const auto how : {How::level_one, How::level_two, How::loaded, How::collapsed, How::stale}) {
        ExchangeFixture fixture;
        const auto answer = [&](unsigned status) {
            const auto value = std::make_shared<cache::CachedValue>();
            value->status = status;
            value->body = paris(now)->body;
            value->etag = paris(now)->etag;
            value->loaded_at = now;
            return cached_response(fixture.exchange, value, {}, how, RouteHeaders{CacheRule{}}, now);
        };
        EXPECT_EQ(answer(203).status, 203u);
        EXPECT_NE(answer(203).body_view(), "");
        EXPECT_EQ(answer(203).headers.find("Content-Type"), "application/json");
        for (const unsigned status : {204u, 205u}) {
            EXPECT_EQ(answer(status).status, status);
            EXPECT_EQ(answer(status).body_view(), "");
            EXPECT_EQ(answer(status).headers.find("Content-Type"), std::nullopt);
        }
        fixture.exchange.request.headers = {{"If-None-Match", "\"abc\""}};
        EXPECT_EQ(answer(203).status, how == How::stale ? 203u : 304u);
    }
}

TEST(CachedResponse, WithoutAValidatorConditionsOfReadsMeanNothing) {
    ExchangeFixture fixture;
    fixture.exchange.request.headers = {{"If-None-Match", "*"}};
    const auto now = Clock::now();
    const auto value = paris(now);
    value->etag.clear();
    const auto response = cached_response(fixture.exchange, value, {}, How::level_one, RouteHeaders{CacheRule{}}, now);
    EXPECT_EQ(response.status, 200u);
    EXPECT_EQ(response.headers.find("ETag"), std::nullopt);
}

TEST(CachedResponse, APersonalOneVariesByCredential) {
    ExchangeFixture fixture;
    const auto now = Clock::now();
    CacheRule rule;
    rule.is_private = true;
    const auto response = cached_response(fixture.exchange, paris(now), {}, How::level_one, RouteHeaders{rule}, now);
    EXPECT_EQ(response.headers.find("Vary"), "Authorization, X-API-Key");
    EXPECT_EQ(response.headers.find("Cache-Control"), "private, no-cache");
}

TEST(CachedResponse, ACodedOneHasItsOwnEtagAndVaries) {
    ExchangeFixture fixture;
    const auto now = Clock::now();
    const cache::CodedBody gzipped{"compressed", "\"abc-gzip\""};
    const Coding coding{true, policy::ContentCoding::gzip, &gzipped};
    const RouteHeaders route{CacheRule{}};
    const auto response = cached_response(fixture.exchange, paris(now), coding, How::level_one, route, now);
    EXPECT_EQ(response.body_view(), "compressed");
    EXPECT_EQ(response.headers.find("Content-Encoding"), "gzip");
    EXPECT_EQ(response.headers.find("ETag"), "\"abc-gzip\"");
    EXPECT_EQ(response.headers.find("Vary"), "Accept-Encoding");

    // The plain form varies as well, and the other form's tag is not its own.
    fixture.exchange.request.headers = {{"If-None-Match", "\"abc-gzip\""}};
    const auto plain = cached_response(fixture.exchange, paris(now), {true, {}, nullptr}, How::level_one, route, now);
    EXPECT_EQ(plain.status, 200u);
    EXPECT_EQ(plain.headers.find("Vary"), "Accept-Encoding");
    EXPECT_EQ(plain.headers.find("Content-Encoding"), std::nullopt);
    EXPECT_EQ(cached_response(fixture.exchange, paris(now), coding, How::level_one, route, now).status, 304u);
}

TEST(CacheTag, NamesWhatASharedCacheMayDropItBy) {
    CacheRule rule;
    const std::vector<std::string> tags{"city:5", "table:city", "a,b %\xC3\xA9\r\n"};
    EXPECT_EQ(cache_tag_header(rule, tags).wire(), "");
    rule.max_age = 60s;
    EXPECT_EQ(cache_tag_header(rule, tags).wire(), "Cache-Tag: city:5,a%2Cb%20%25%C3%A9%0D%0A\r\n");
    EXPECT_EQ(cache_tag_header(rule, {"table:city"}).wire(), "");
    rule.is_private = true;
    EXPECT_EQ(cache_tag_header(rule, tags).wire(), "");
}

TEST(CacheControl, FollowsTheRule) {
    CacheRule rule;
    EXPECT_EQ(cache_control(rule), "no-cache");
    rule.max_age = 60s;
    EXPECT_EQ(cache_control(rule), "max-age=60, stale-if-error=3600");
    rule.revalidate = 30s;
    rule.stale = 0ms;
    rule.is_private = true;
    EXPECT_EQ(cache_control(rule), "private, max-age=60, stale-while-revalidate=30");
    rule.max_age.reset();
    EXPECT_EQ(cache_control(rule), "private, no-cache");
}

TEST(CanonicalPath, IsTheSameForEverySpelling) {
    ExchangeFixture fixture{"/v1/{kind}/cities/{id}"};
    fixture.exchange.path_values = {"a b/é", "1"};
    fixture.exchange.query = {{"z", "1"}, {"a", "x&y=z"}, {"a", ""}};
    EXPECT_EQ(path_of(fixture.exchange), "/v1/a%20b%2F%C3%A9/cities/1?a=x%26y%3Dz&a=&z=1");
    fixture.exchange.query.clear();
    EXPECT_EQ(path_of(fixture.exchange), "/v1/a%20b%2F%C3%A9/cities/1");
}

TEST(CacheVariant, KeepsApartWhatTheRuleSays) {
    ExchangeFixture fixture;
    auto& exchange = fixture.exchange;
    exchange.identity = {Identity::Kind::token, "ann", "pro", {"write", "read"}, "https://a", "{}"};
    exchange.request.headers = {{"Accept-Language", "de"}, {"accept-language", "en"}};
    CacheVariation vary;
    EXPECT_EQ(variant_of(vary, false, exchange), "");
    vary.tier = true;
    EXPECT_EQ(variant_of(vary, false, exchange), "\n3:pro");
    vary.scope = true;
    vary.headers = {"Accept-Language"};
    EXPECT_EQ(variant_of(vary, false, exchange), "\n3:pro\n11:read write \n6:de, en");
    exchange.request.headers.clear();
    EXPECT_EQ(variant_of(vary, false, exchange), "\n3:pro\n11:read write \n0:");

    vary = {};
    vary.identity = true;
    const auto ann = variant_of(vary, true, exchange);
    exchange.identity.claims = "{\"role\":\"admin\"}";
    EXPECT_NE(variant_of(vary, true, exchange), ann);
    EXPECT_EQ(variant_of(vary, false, exchange),
              "\n" + std::to_string(exchange.identity.unique_name().size()) + ":" + exchange.identity.unique_name());
    // However long a client makes a field, the key stays short.
    vary = {};
    vary.headers = {"X-Long"};
    const std::string text(10'000, 'x');
    exchange.request.headers = {{"X-Long", text}};
    EXPECT_LT(variant_of(vary, false, exchange).size(), 64u);
}

TEST(CacheVariant, IsToldByVary) {
    CacheRule rule;
    EXPECT_EQ(varying_fields(rule), "");
    rule.vary.headers = {"Accept-Language"};
    EXPECT_EQ(varying_fields(rule), "Accept-Language");
    rule.vary.tier = true;
    EXPECT_EQ(varying_fields(rule), "Authorization, X-API-Key, Accept-Language");
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
        {timed_out, "", InputSource::parameters, 504},     {precondition_failed, "", InputSource::body, 412},
        {in_flight, "", InputSource::body, 409},           {other_payload, "", InputSource::body, 422},
        {outcome_unknown, "", InputSource::body, 504},     {rejected, "23505", InputSource::body, 409},
        {rejected, "23P01", InputSource::body, 409},       {rejected, "23503", InputSource::body, 422},
        {rejected, "23514", InputSource::body, 422},       {rejected, "23502", InputSource::body, 422},
        {rejected, "22003", InputSource::parameters, 400}, {rejected, "22P02", InputSource::body, 422},
        {rejected, "40001", InputSource::body, 503},       {rejected, "53300", InputSource::body, 503},
        {rejected, "P0001", InputSource::body, 422},       {rejected, "42501", InputSource::body, 500},
        {rejected, "25006", InputSource::parameters, 500}, {rejected, "XX000", InputSource::parameters, 500},
    };
    for (const auto& one : cases) {
        const auto problem = to_problem({one.kind, one.state, "relation \"secret\" at host db1"}, one.source);
        EXPECT_EQ(problem.status, one.status) << one.state;
        EXPECT_EQ(problem.detail.find("secret"), std::string::npos);
        EXPECT_EQ(problem.retry_after.has_value(), one.status == 503 || one.kind == in_flight) << one.state;
    }
}

}  // namespace sluice::endpoints

// What a browser, curl or a CDN sees of the cache: codings, validators, variants.
#include "support/http_client.hpp"
#include "support/process.hpp"
#include "support/world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

const std::string config = R"(
server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0" }
postgres: { primary: "${SLUICE_PG_PRIMARY}" }
auth: { key_secrets: [ "${SLUICE_KEY_SECRET}" ] }
routes:
  GET /many/{n}:
    params: { n: integer }
    cache: { ttl: 300s, max_age: 60s, tags: ["many:{n}"] }
    sql: select i, 'row number ' || i as text from generate_series(1, :n::int) i
  GET /uncached/{n}:
    params: { n: integer }
    sql: select i, 'row number ' || i as text from generate_series(1, :n::int) i
  GET /tier:
    result: one
    cache: { ttl: 300s, vary: [tier, "header:Accept-Language"] }
    sql: select random() as value
)";

class HttpCacheTest : public ::testing::Test {
protected:
    HttpResponse get(const std::string& path, const std::string& fields = "") {
        return http_get(instance_.port(), path, fields);
    }
    std::string curl(const std::string& path, const std::string& coding) {
        const auto url = "http://127.0.0.1:" + std::to_string(instance_.port()) + path;
        const auto result = run_command({"curl", "-sS", "--compressed", "-H", "Accept-Encoding: " + coding, url});
        EXPECT_EQ(result.exit_code, 0) << result.err;
        return result.out;
    }

    TemporaryDirectory directory_;
    Instance instance_{directory_.write("api.yaml", config), world_environment()};
};

}  // namespace

TEST_F(HttpCacheTest, DirectivesOfARequestSteerNothing) {
    const auto status_of = [&](const std::string& path, const std::string& directive) {
        const auto answer = get(path, directive.empty() ? "" : "Cache-Control: " + directive + "\r\n");
        EXPECT_EQ(answer.status, 200u) << path << ' ' << directive;
        return answer.header("Cache-Status").value_or("");
    };
    EXPECT_EQ(status_of("/many/3", "no-store"), "sluice; fwd=miss");
    for (const auto* directive : {"", "no-store", "no-cache", "max-age=0", "only-if-cached", "min-fresh=100000"})
        EXPECT_THAT(status_of("/many/3", directive), HasSubstr("hit")) << directive << ": it was kept all the same";
    EXPECT_EQ(status_of("/many/4", "only-if-cached"), "sluice; fwd=miss") << "a load, not 504";
}

TEST_F(HttpCacheTest, EveryCodingDecodesToTheSameBytes) {
    for (const auto* route : {"/many/", "/uncached/"}) {
        for (const auto* rows : {"100", "20000"}) {  // of the latter several pieces are made
            const auto path = std::string{route} + rows;
            const auto plain = get(path);
            ASSERT_EQ(plain.status, 200u);
            EXPECT_FALSE(plain.header("Content-Encoding"));
            for (const auto* coding : {"gzip", "br"}) {
                const auto coded = get(path, std::string{"Accept-Encoding: "} + coding + "\r\n");
                EXPECT_EQ(coded.header("Content-Encoding"), coding);
                EXPECT_THAT(coded.header("Vary").value_or(""), HasSubstr("Accept-Encoding"));
                EXPECT_LT(coded.body.size(), plain.body.size() / 2) << path;
                EXPECT_EQ(curl(path, coding), plain.body) << path << ' ' << coding;
            }
        }
    }
}

TEST_F(HttpCacheTest, EachCodingHasAnEtagOfItsOwn) {
    const auto plain = get("/many/100");
    const auto gzip = get("/many/100", "Accept-Encoding: gzip\r\n");
    const auto brotli = get("/many/100", "Accept-Encoding: br, gzip;q=0.5\r\n");
    const auto etag = [](const HttpResponse& response) { return response.header("ETag").value_or(""); };
    EXPECT_NE(etag(plain), etag(gzip));
    EXPECT_NE(etag(gzip), etag(brotli));
    const auto again = get("/many/100", "Accept-Encoding: gzip\r\nIf-None-Match: " + etag(gzip) + "\r\n");
    EXPECT_EQ(again.status, 304u);
    EXPECT_EQ(etag(again), etag(gzip));
    EXPECT_TRUE(again.body.empty());
    EXPECT_EQ(get("/many/100", "If-None-Match: " + etag(gzip) + "\r\n").status, 200u);
    // What is short is not worth it.
    EXPECT_FALSE(get("/many/1", "Accept-Encoding: gzip\r\n").header("Content-Encoding"));
}

TEST_F(HttpCacheTest, AShortAnswerIsCodedForWhoeverTakesNothingElse) {
    for (const std::string path : {"/many/1", "/many/1", "/uncached/1"}) {
        const auto plain = get(path, "Accept-Encoding: gzip, identity;q=0.1\r\n");
        EXPECT_FALSE(plain.header("Content-Encoding"));
        EXPECT_THAT(plain.header("Vary").value_or(""), HasSubstr("Accept-Encoding"));
        EXPECT_THAT(get(path).header("Vary").value_or(""), HasSubstr("Accept-Encoding"));
        for (const auto* field : {"gzip, identity;q=0", "gzip;q=0.5, *;q=0", "identity; q=0.000, gzip"}) {
            const auto coded = get(path, std::string{"Accept-Encoding: "} + field + "\r\n");
            EXPECT_EQ(coded.header("Content-Encoding"), "gzip") << path << ' ' << field;
            EXPECT_NE(coded.header("ETag"), plain.header("ETag"));
            EXPECT_EQ(curl(path, field), plain.body) << path << ' ' << field;
        }
        EXPECT_FALSE(get(path, "Accept-Encoding: identity;q=0\r\n").header("Content-Encoding")) << "there is nothing else";
    }
}

TEST_F(HttpCacheTest, HeadTellsOfTheCodedAnswer) {
    const auto got = get("/many/100", "Accept-Encoding: gzip\r\n");
    HttpClient client{instance_.port()};
    client.send("HEAD /many/100 HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
    const auto head = client.receive(HttpClient::Body::none);
    ASSERT_TRUE(head);
    EXPECT_EQ(head->header("ETag"), got.header("ETag"));
    EXPECT_EQ(head->header("Content-Encoding"), "gzip");
    EXPECT_EQ(head->header("Content-Length"), got.header("Content-Length"));
}

TEST_F(HttpCacheTest, NamesItsTagsToASharedCache) {
    EXPECT_EQ(get("/many/5").header("Cache-Tag"), "many:5");
    EXPECT_EQ(get("/many/5").header("Cache-Tag"), "many:5");  // a hit, too
    EXPECT_FALSE(get("/tier").header("Cache-Tag"));
}

TEST_F(HttpCacheTest, CallersOfOneTierAndLanguageShareACopy) {
    const auto free_one = create_key("free").header();
    const auto free_two = create_key("free").header();
    const auto pro = create_key("pro").header();
    const std::string german = "Accept-Language: de\r\n";
    const auto first = get("/tier", free_one);
    EXPECT_EQ(first.header("Vary"), "Authorization, X-API-Key, Accept-Language, Accept-Encoding");
    EXPECT_EQ(get("/tier", free_two).body, first.body);
    EXPECT_NE(get("/tier", pro).body, first.body);
    EXPECT_NE(get("/tier").body, first.body);
    const auto other = get("/tier", free_one + german);
    EXPECT_NE(other.body, first.body);
    EXPECT_EQ(get("/tier", free_two + german).body, other.body);
}

TEST(Compression, CanBeSwitchedOff) {
    const TemporaryDirectory directory;
    auto text = config;
    text.replace(text.find("server: {"), 9, "server: { compression: off,");
    Instance instance{directory.write("api.yaml", text), world_environment()};
    const auto answer = http_get(instance.port(), "/many/100", "Accept-Encoding: gzip\r\n");
    EXPECT_EQ(answer.status, 200u);
    EXPECT_FALSE(answer.header("Content-Encoding"));
}

}  // namespace sluice::test

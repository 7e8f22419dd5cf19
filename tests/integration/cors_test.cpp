// A browser's application against a running instance, configured as its operator would.
#include "support/http_client.hpp"
#include "support/process.hpp"
#include "support/world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

const std::string origin = "Origin: https://app.example.com\r\n";
const std::string preflight =
    origin + "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-api-key\r\n";

const std::string config = R"(
server:
  listen: "127.0.0.1:0"
  admin: "127.0.0.1:0"
  cors: { origins: ["https://app.example.com"], credentials: true }
  headers: { Strict-Transport-Security: max-age=31536000, Referrer-Policy: "" }
postgres:
  primary: ${SLUICE_PG_PRIMARY}
tiers: { anonymous: { requests: 6, window: 1h } }
routes:
  GET /cached:
    result: one
    cache: { ttl: 300s }
    sql: select 1 as one
  GET /personal:
    result: one
    cache: { ttl: 300s, vary: identity }
    sql: select :key_id::text as who
  POST /secret:
    auth: required
    result: one
    sql: select 1 as one
)";

void expect_readable(const HttpResponse& answer, unsigned status, const char* vary = "Origin") {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), "https://app.example.com");
    EXPECT_EQ(answer.header("Access-Control-Allow-Credentials"), "true");
    EXPECT_THAT(answer.header("Access-Control-Expose-Headers").value_or(""), HasSubstr("ETag"));
    EXPECT_EQ(answer.header("Vary"), vary);
    EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(answer.header("Strict-Transport-Security"), "max-age=31536000");
    EXPECT_EQ(answer.header("Referrer-Policy"), std::nullopt);
}

}  // namespace

TEST(CorsServing, APageReadsHitsErrorsAndRefusals) {
    const TemporaryDirectory directory;
    Instance instance{directory.write("api.yaml", config), world_environment()};
    const auto get = [&](const char* path, const std::string& more = "") {
        return http_get(instance.port(), path, origin + more);
    };

    const auto first = get("/cached");
    expect_readable(first, 200, "Accept-Encoding, Origin");
    const auto hit = get("/cached");
    expect_readable(hit, 200, "Accept-Encoding, Origin");
    EXPECT_THAT(hit.header("Cache-Status").value_or(""), HasSubstr("hit"));
    expect_readable(get("/cached", "If-None-Match: " + first.header("ETag").value_or("") + "\r\n"), 304,
                    "Accept-Encoding, Origin");
    expect_readable(get("/personal"), 200, "Authorization, X-API-Key, Accept-Encoding, Origin");
    expect_readable(http_post(instance.port(), "/secret", "", origin), 401);

    HttpClient client{instance.port()};
    for (int i = 0; i < 5; ++i) {
        const auto asked = client.request("OPTIONS", "/secret", "", preflight);
        EXPECT_EQ(asked.status, 204u);
        EXPECT_EQ(asked.header("Access-Control-Allow-Origin"), "https://app.example.com");
        EXPECT_EQ(asked.header("Access-Control-Allow-Methods"), "POST, OPTIONS");
        EXPECT_THAT(asked.header("Access-Control-Allow-Headers").value_or(""), HasSubstr("X-API-Key"));
        EXPECT_EQ(asked.header("Access-Control-Max-Age"), "600");
        EXPECT_FALSE(asked.header("RateLimit"));
    }
    expect_readable(get("/nothing"), 404);
    EXPECT_EQ(get("/cached", "X-API-Key: slk_wrong\r\n").header("Access-Control-Allow-Origin"), "https://app.example.com");
    expect_readable(get("/cached"), 429);
}

}  // namespace sluice::test

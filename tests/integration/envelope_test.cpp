// Answers that are the result alone: `envelope: off`.
#include "support/http_client.hpp"
#include "support/process.hpp"
#include "support/world.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace sluice::test {
namespace {

const std::string config = R"(
server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0" }
postgres: { primary: "${SLUICE_PG_PRIMARY}" }
auth: { key_secrets: [ "${SLUICE_KEY_SECRET}" ] }
tiers: { anonymous: off }
envelope: off
routes:
  GET /many: { sql: "select n from generate_series(1, 2) n" }
  GET /none: { sql: "select 1 as n where false" }
  GET /one/{n}:
    params: { n: integer }
    result: one
    cache: { ttl: 300s, negative: 10s }
    sql: "select :n::int as n where :n > 0"
  GET /large:
    cache: { ttl: 300s }
    sql: select repeat('x', 1000) as x from generate_series(1, 1000) n
  POST /made:
    status: 201
    result: one
    sql: "select 7 as n"
  GET /in-envelope: { envelope: on, sql: select 1 as n }
  GET /pages:
    page: { by: [n] }
    sql: "select n from generate_series(1, 50) n"
)";

}  // namespace

TEST(Envelope, CanBeLeftOut) {
    const TemporaryDirectory directory;
    const Instance instance{directory.write("api.yaml", config), world_environment()};
    HttpClient client{instance.port()};
    const auto body_of = [&](const std::string& path) { return client.request("GET", path).body; };
    EXPECT_EQ(nlohmann::json::parse(body_of("/many")), nlohmann::json::parse(R"([{"n":1},{"n":2}])"));
    EXPECT_EQ(body_of("/none"), "[]");
    for (int i = 0; i < 2; ++i) EXPECT_EQ(body_of("/one/5"), R"({"n":5})") << "loaded and from the cache";
    for (int i = 0; i < 2; ++i) EXPECT_EQ(client.request("GET", "/one/0").status, 404u);
    for (int i = 0; i < 2; ++i) {
        const auto large = body_of("/large");
        EXPECT_TRUE(large.starts_with("[{") && large.ends_with("}]")) << large.size();
    }
    const auto made = client.request("POST", "/made", {}, "Idempotency-Key: envelope-1\r\n");
    EXPECT_EQ(made.status, 201u);
    EXPECT_EQ(made.body, R"({"n":7})");
    const auto replayed = client.request("POST", "/made", {}, "Idempotency-Key: envelope-1\r\n");
    EXPECT_EQ(replayed.body, made.body);
    EXPECT_EQ(replayed.header("Idempotency-Replayed"), "true");
    EXPECT_EQ(body_of("/in-envelope"), R"({"data":[{"n":1}]})");
    EXPECT_TRUE(body_of("/pages").starts_with(R"({"data":[)")) << "where the cursor has its place";
}

}  // namespace sluice::test

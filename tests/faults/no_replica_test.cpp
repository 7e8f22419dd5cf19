// What is configured as a replica is none: it was promoted while the primary lives, or it belongs to another cluster.
#include "support/http_client.hpp"
#include "support/private_stack.hpp"
#include "support/process.hpp"

#include "postgres/connection/connection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

const std::string config_text = R"(
server: { listen: 127.0.0.1:0, admin: 127.0.0.1:0, threads: 1 }
postgres: { primary: "${PRIMARY}", replicas: [ { url: "${REPLICA}" } ], pool: 4 }
redis: { url: "${REDIS}" }
auth: { key_secrets: [ "a secret of sixteen bytes or more" ] }
tiers: { anonymous: { requests: 100000000, window: 60s } }
routes:
  GET /cached/{id}:
    params: { id: integer }
    result: one
    sql: select v from city where id = :id
    cache: { ttl: 1h, stale: 0s, tags: ["city:{id}"] }
  GET /plain/{id}:
    params: { id: integer }
    result: one
    sql: select v from city where id = :id
  PUT /city/{id}/{v}:
    params: { id: integer, v: integer }
    result: one
    sql: update city set v = :v where id = :id returning v
    invalidates: ["city:{id}"]
)";

class NoReplica : public ::testing::Test {
protected:
    void start(const std::string& replica) {
        run(stack.env("SLUICE_PG_PRIMARY"),
            "create table if not exists city (id int primary key, v int);"
            " insert into city select i, 1 from generate_series(1, 5) i on conflict (id) do update set v = 1");
        const Environment environment{
            {"PRIMARY", stack.env("SLUICE_PG_PRIMARY")}, {"REPLICA", replica}, {"REDIS", stack.env("SLUICE_REDIS")}};
        const auto config = directory.write("api.yaml", config_text);
        const auto migrated = run_command({sluice_program(), "migrate", "--config", config.string()}, environment);
        ASSERT_EQ(migrated.exit_code, 0) << migrated.err;
        instance = std::make_unique<Instance>(config, environment);
        client = std::make_unique<HttpClient>(instance->port());
    }

    static std::string run(const std::string& url, const std::string& sql) {
        postgres::Watchdog watchdog;
        const auto limit = Clock::now() + 60s;
        postgres::Connection connection{url, watchdog, limit};
        const auto rows = connection.execute(sql, limit);
        return rows.empty() ? "" : rows.front().at(0).value_or("");
    }
    std::string ready() { return HttpClient{instance->admin_port()}.request("GET", "/health/ready").body; }
    auto get(const std::string& target) { return client->request("GET", target); }

    PrivateStack stack;
    TemporaryDirectory directory;
    std::unique_ptr<Instance> instance;
    std::unique_ptr<HttpClient> client;
};

}  // namespace

TEST_F(NoReplica, APromotedReplicaIsLeftOutAndTold) {
    start(stack.env("SLUICE_PG_REPLICA_1"));
    const auto super = stack.env("SLUICE_PG_REPLICA_1_SUPER");
    ASSERT_TRUE(eventually([&] { return ready().find("\"replica-1\":\"ok\"") != std::string::npos; })) << ready();
    ASSERT_TRUE(eventually(
        [&] { return get("/cached/1").header("Cache-Status").value_or("").find("detail=l1") != std::string::npos; }));

    ASSERT_EQ(run(super, "select pg_promote()"), "t");
    // It goes on by itself, further than the primary.
    run(super, "do $$ begin for i in 1..5000 loop perform pg_current_xact_id(); commit; end loop; end $$");
    ASSERT_TRUE(eventually([&] { return ready().find("no replica: promoted") != std::string::npos; })) << ready();
    EXPECT_THAT(instance->log(), HasSubstr("\"event\":\"replica_left_out\""));
    EXPECT_THAT(HttpClient{instance->admin_port()}.request("GET", "/metrics").body,
                HasSubstr("sluice_replica_lag_seconds{server=\"replica-1\"} Nan"));

    const auto written = client->request("PUT", "/city/1/9");
    ASSERT_EQ(written.status, 200) << written.body;
    const auto answered = Clock::now();
    const auto token = written.header("Sluice-Consistency").value_or("");
    const auto with_token = "Sluice-Consistency: " + token + "\r\n";
    EXPECT_THAT(client->request("GET", "/cached/1", {}, with_token).body, HasSubstr("\"v\":9"));
    EXPECT_THAT(client->request("GET", "/plain/1", {}, with_token).body, HasSubstr("\"v\":9"));
    EXPECT_THAT(get("/plain/1").body, HasSubstr("\"v\":9"));
    int old_hits = 0;
    for (auto now = Clock::now(); now < answered + 2s; now = Clock::now()) {
        const auto answer = get("/cached/1");
        if (now > answered + 500ms && answer.body.find("\"v\":9") == std::string::npos) ++old_hits;
    }
    EXPECT_EQ(old_hits, 0);
    // Nor is what it would say kept for others: a new instance finds the new row as well.
    EXPECT_THAT(get("/cached/2").body, HasSubstr("\"v\":1"));
    run(super, "update city set v = 5");
    ASSERT_EQ(client->request("PUT", "/city/2/8").status, 200);
    ASSERT_TRUE(eventually([&] { return get("/cached/2").body.find("\"v\":8") != std::string::npos; }, 2s));
    EXPECT_THAT(get("/plain/2").body, HasSubstr("\"v\":8"));
}

TEST_F(NoReplica, AServerOfAnotherClusterIsLeftOutFromTheStart) {
    PrivateStack other;
    run(other.env("SLUICE_PG_PRIMARY"), "create table city (id int primary key, v int); insert into city values (1, 666)");
    start(other.env("SLUICE_PG_PRIMARY"));
    for (int i = 0; i < 50; ++i) {
        ASSERT_THAT(get("/plain/1").body, HasSubstr("\"v\":1")) << i;
        ASSERT_THAT(get("/cached/1").body, HasSubstr("\"v\":1")) << i;
    }
    EXPECT_TRUE(eventually([&] { return ready().find("no replica: of another cluster") != std::string::npos; })) << ready();
}

TEST_F(NoReplica, ThePrimaryUnderAnotherAddressMayServeReads) {
    start(stack.env("SLUICE_PG_PRIMARY"));
    ASSERT_TRUE(eventually([&] { return ready().find("\"replica-1\":\"ok\"") != std::string::npos; })) << ready();
    EXPECT_TRUE(eventually(
        [&] { return get("/cached/1").header("Cache-Status").value_or("").find("detail=l1") != std::string::npos; }));
}

TEST_F(NoReplica, AStandbyIsNoPrimary) {
    const auto primary = stack.env("SLUICE_PG_PRIMARY");
    start(stack.env("SLUICE_PG_REPLICA_1"));
    // The instance's own configuration is turned around: what leads to the primary leads to the standby.
    const Environment turned{
        {"PRIMARY", stack.env("SLUICE_PG_REPLICA_1")}, {"REPLICA", primary}, {"REDIS", stack.env("SLUICE_REDIS")}};
    const auto config = directory.write("turned.yaml", config_text);
    instance = std::make_unique<Instance>(config, turned);
    client = std::make_unique<HttpClient>(instance->port());
    EXPECT_TRUE(eventually([&] { return ready().find("\"primary\":\"unreachable\"") != std::string::npos; })) << ready();
    EXPECT_EQ(client->request("PUT", "/city/1/9").status, 503);
    EXPECT_THAT(instance->log(), HasSubstr("it is a standby, not the primary"));
}

}  // namespace sluice::test

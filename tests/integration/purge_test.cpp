// What an operator purged is gone: it is not served again while PostgreSQL is away either, by no instance, and its bytes
// leave Redis. What a write outdated may still stand in.
#include "postgres/schema/schema.hpp"
#include "support/http_client.hpp"
#include "support/postgres_fixture.hpp"
#include "support/redis_fixture.hpp"
#include "support/world.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto config = R"(
server: { listen: "${SLUICE_LISTEN}", admin: "${SLUICE_ADMIN}", admin_token: token-of-the-admin, threads: 1, timeouts: { request: 3s } }
tiers: { anonymous: { requests: 1000000, window: 60s } }
postgres: { primary: "${PRIMARY}", timeout: 1s }
redis: { url: "${REDIS}", timeout: 2s }
routes:
  GET /things/{id}:
    params: { id: integer }
    result: one
    sql: select id, name from thing where id = :id
    cache: { ttl: 60s, stale: 10m, tags: ["thing:{id}"] }
  GET /untagged/{id}:
    params: { id: integer }
    result: one
    sql: select id, name from thing where id = :id
    cache: { ttl: 60s, stale: 10m }
  PUT /things/{id}:
    params: { id: integer }
    body: { type: object, required: [name], properties: { name: { type: string } } }
    result: none
    sql: update thing set name = :name where id = :id
    invalidates: ["thing:{id}"]
)";

class PurgeTest : public PostgresTest {
protected:
    void SetUp() override {
        world_environment();
        stack.up();
        PostgresTest::SetUp();
        sql("create table if not exists thing (id int primary key, name text not null); delete from thing;"
            " insert into thing values (1, 'secret'), (2, 'harmless')");
        here_ = serve();
        there_ = serve();
    }
    void TearDown() override {
        stack.up();
        here_.reset();
        there_.reset();
        sql("drop table if exists thing");
    }

    std::unique_ptr<Instance> serve() {
        const Environment environment{{"PRIMARY", primary}, {"REDIS", redis.url()}};
        auto instance = std::make_unique<Instance>(directory_.write("c.yaml", config), environment);
        EXPECT_TRUE(eventually([&] {
            const auto ready = nlohmann::json::parse(http_get(instance->admin_port(), "/health/ready").body);
            return ready.at("dependencies").at("redis") == "ok";
        })) << instance->log();
        return instance;
    }
    static HttpResponse get(const Instance& instance, const std::string& path) { return http_get(instance.port(), path); }
    /// Read by both, so that each holds it, and Redis as well.
    void read_everywhere(const std::string& path) {
        for (const auto* instance : {here_.get(), there_.get()}) {
            ASSERT_TRUE(eventually([&] {
                return get(*instance, path).header("Cache-Status").value_or("").find("detail=l1") != std::string::npos;
            })) << path;
        }
        ASSERT_TRUE(eventually([&] { return copies(path) == 1; })) << path;
    }
    std::size_t copies(const std::string& path) { return redis.command({"KEYS", "sluice:*:c:*" + path + "*"}).size(); }
    HttpResponse purge(const std::string& body) {
        return http_post(here_->admin_port(), "/admin/purge", body,
                         "Content-Type: application/json\r\nAuthorization: Bearer token-of-the-admin\r\n");
    }
    static void gone(const Instance& instance, const std::string& path) {
        const auto answer = get(instance, path);
        EXPECT_GE(answer.status, 503u) << path;
        EXPECT_THAT(answer.body, Not(HasSubstr("secret"))) << path;
    }
    /// Once polls fail.
    static void stands_in(const Instance& instance, const std::string& path) {
        EXPECT_TRUE(eventually([&] {
            const auto answer = get(instance, path);
            return answer.status == 200 && answer.body.find("\"stale\":true") != std::string::npos;
        })) << path
            << ": " << get(instance, path).body;
    }

    RedisServer redis;
    TemporaryDirectory directory_;
    std::unique_ptr<Instance> here_, there_;
};

}  // namespace

TEST_F(PurgeTest, WhatWasPurgedIsNotServedWhileTheDatabaseIsFrozenByAnyInstance) {
    for (const std::string body : {R"({"tag":"thing:1"})", R"({"pattern":"/things/1*"})"}) {
        read_everywhere("/things/1");
        read_everywhere("/things/2");
        ASSERT_EQ(purge(body).status, 204u);
        EXPECT_EQ(copies("/things/1"), 0u) << body << ": its bytes leave Redis before the answer";
        EXPECT_EQ(copies("/things/2"), 1u) << body;
        stack.freeze("primary");
        gone(*here_, "/things/1");
        gone(*there_, "/things/1");
        stands_in(*here_, "/things/2");
        stands_in(*there_, "/things/2");
        stack.thaw("primary");
        EXPECT_TRUE(eventually([&] { return get(*here_, "/things/1").status == 200; }));
    }
}

TEST_F(PurgeTest, EverythingIsGoneAlsoWithoutTags) {
    for (const auto* path : {"/things/1", "/things/2", "/untagged/1"}) read_everywhere(path);
    ASSERT_EQ(purge(R"({"all":true})").status, 204u);
    EXPECT_EQ(copies(""), 0u);
    stack.freeze("primary");
    for (const auto* instance : {here_.get(), there_.get()}) {
        for (const auto* path : {"/things/1", "/things/2", "/untagged/1"}) gone(*instance, path);
    }
}

TEST_F(PurgeTest, APatternTakesWhatHasNoTags) {
    read_everywhere("/untagged/1");
    ASSERT_EQ(purge(R"({"pattern":"/untagged/*"})").status, 204u);
    EXPECT_EQ(copies("/untagged/1"), 0u);
    stack.freeze("primary");
    gone(*here_, "/untagged/1");
    gone(*there_, "/untagged/1");
}

TEST_F(PurgeTest, APurgeThatTheDatabaseCannotRecordIsRefusedAndCarriedOutAllTheSame) {
    read_everywhere("/things/1");
    stack.freeze("primary");
    const auto answer = purge(R"({"tag":"thing:1"})");
    EXPECT_EQ(answer.status, 503u);
    EXPECT_THAT(answer.body, HasSubstr("could not be recorded"));
    gone(*here_, "/things/1");
    EXPECT_TRUE(eventually([&] { return get(*there_, "/things/1").status >= 503; }));
    gone(*there_, "/things/1");
    EXPECT_TRUE(eventually([&] { return copies("/things/1") == 0; }));
}

TEST_F(PurgeTest, AnInstanceThatStartsLaterFindsNothingInRedis) {
    read_everywhere("/things/1");
    read_everywhere("/things/2");
    ASSERT_EQ(purge(R"({"tag":"thing:1"})").status, 204u);
    stack.freeze("primary");
    const auto late = serve();
    stands_in(*late, "/things/2");
    gone(*late, "/things/1");
}

TEST_F(PurgeTest, ItsBytesLeaveARedisThatWasAway) {
    read_everywhere("/things/1");
    redis.freeze();
    ASSERT_EQ(purge(R"({"tag":"thing:1"})").status, 204u);
    redis.thaw();
    EXPECT_TRUE(eventually([&] { return copies("/things/1") == 0; }));
}

TEST_F(PurgeTest, WhatAWriteOutdatedMayStillStandIn) {
    read_everywhere("/things/1");
    HttpClient client{here_->port()};
    const auto written = client.request("PUT", "/things/1", R"({"name":"other"})", "Content-Type: application/json\r\n");
    ASSERT_LT(written.status, 300u) << written.body;
    stack.freeze("primary");
    stands_in(*here_, "/things/1");
}

TEST_F(PurgeTest, AnOlderSchemaRecordsItAsAnInvalidation) {
    sql("alter table sluice.invalidation drop column purge");
    read_everywhere("/things/1");
    ASSERT_EQ(purge(R"({"tag":"thing:1"})").status, 204u);
    EXPECT_EQ(sql("select kind, name from sluice.invalidation").size(), 1u);
    EXPECT_THAT(here_->log(), HasSubstr("purge_recorded_as_invalidation"));
    stack.freeze("primary");
    gone(*here_, "/things/1");
    gone(*there_, "/things/1");
}

}  // namespace sluice::test

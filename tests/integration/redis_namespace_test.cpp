// Deployments that share one Redis: each has its own copies, limits, instances and messages, by its database or its prefix,
// also where an instance starts while PostgreSQL is away.
#include "postgres/connection/database_identity.hpp"
#include "postgres/schema/schema.hpp"
#include "redis/database_alias.hpp"
#include "redis/usage_log.hpp"
#include "support/http_client.hpp"
#include "support/postgres_fixture.hpp"
#include "support/redis_fixture.hpp"
#include "support/tcp_relay.hpp"
#include "support/world.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <functional>

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

constexpr auto config = R"(
server: { listen: "${SLUICE_LISTEN}", admin: "${SLUICE_ADMIN}", admin_token: token-of-the-admin, threads: 1 }
tiers: { anonymous: { requests: 4, window: 600s } }
postgres: { primary: "${PRIMARY}", timeout: 1s }
redis: { url: "${REDIS}", timeout: 2s }
rate_limit: { strategy: "${STRATEGY:-leased}" }
routes:
  GET /things/{id}:
    params: { id: integer }
    result: one
    sql: select id, name from thing where id = :id
    cache: { ttl: 60s, stale: 60s, tags: ["thing:{id}"] }
)";

class RedisNamespaceTest : public PostgresTest {
protected:
    void SetUp() override {
        world_environment();  // before there is a schema of the role's name, in which the example would land
        PostgresTest::SetUp();
        make_twin("twin");
        file_ = directory_.write("c.yaml", config);
    }
    void TearDown() override {
        instances_.clear();
        for (const auto* name : {"twin", "aside"})
            sql_at(super(), "drop database if exists " + std::string{name} + " with (force)");
    }

    std::string super() const { return stack.env("SLUICE_PG_SUPER"); }
    /// Another database of the same cluster, with the same tables and other rows.
    void make_twin(const std::string& name) {
        sql_at(super(), "drop database if exists " + name + " with (force)");
        sql_at(super(), "create database " + name + " owner sluice");
        sql_at(with_database(primary, name),
               "create table thing (id int primary key, name text not null);"
               " insert into thing values (1, 'the other one'), (2, 'the other two')");
        postgres::migrate(with_database(primary, name));
    }
    static std::string with_database(const std::string& url, const std::string& name) {
        return url.substr(0, url.rfind('/') + 1) + name;
    }
    std::string identity(const std::string& url) {
        postgres::Watchdog watchdog;
        return postgres::ask_identity({&url, 1}, watchdog, 10s).identity.value_or("none");
    }
    std::string stem(const std::string& url) { return "sluice:/" + identity(url) + ":"; }

    Instance& serve(const std::string& url, const std::filesystem::path& file, const std::string& strategy = "leased") {
        const Environment environment{{"PRIMARY", url}, {"REDIS", redis.url()}, {"STRATEGY", strategy}};
        return *instances_.emplace_back(std::make_unique<Instance>(file, environment));
    }
    Instance& serve(const std::string& url) { return serve(url, file_); }
    Instance& serve_and_wait(const std::string& url) {
        auto& instance = serve(url);
        EXPECT_TRUE(eventually([&] { return redis_state(instance) == "ok"; })) << instance.log();
        return instance;
    }
    static std::string redis_state(const Instance& instance) {
        const auto ready = nlohmann::json::parse(http_get(instance.admin_port(), "/health/ready").body);
        return ready.at("dependencies").at("redis");
    }
    static bool logs(const Instance& instance, const std::string& text) {
        return eventually([&] { return instance.log().find(text) != std::string::npos; });
    }
    static HttpResponse thing(const Instance& instance, int id = 1) {
        return http_get(instance.port(), "/things/" + std::to_string(id));
    }
    static std::string status_of(const HttpResponse& response) { return response.header("Cache-Status").value_or(""); }
    /// How many of so many requests are admitted.
    static int admitted(const Instance& instance, int requests) {
        int count = 0;
        for (int i = 0; i < requests; ++i) count += thing(instance).status == 200 ? 1 : 0;
        return count;
    }

    RedisServer redis;
    TemporaryDirectory directory_;
    std::filesystem::path file_;
    std::vector<std::unique_ptr<Instance>> instances_;
};

TEST_F(RedisNamespaceTest, TwoDatabasesShareNothingAndInstancesOfOneDoWithBothStrategies) {
    const auto twin = with_database(primary, "twin");
    for (const std::string strategy : {"leased", "log"}) {
        redis.command({"FLUSHALL"});
        auto& here = serve(primary, file_, strategy);
        auto& sibling = serve(primary, file_, strategy);
        auto& there = serve(twin, file_, strategy);
        for (auto* one : {&here, &sibling, &there}) {
            ASSERT_TRUE(eventually([&] { return redis_state(*one) == "ok"; })) << one->log();
        }
        EXPECT_THAT(thing(here).body, HasSubstr(R"("name":"one")"));
        ASSERT_TRUE(eventually([&] { return redis.command({"KEYS", stem(primary) + "c:*"}).size() == 1; }));
        EXPECT_THAT(status_of(thing(sibling)), HasSubstr("detail=l2"));
        const auto other = thing(there);
        EXPECT_THAT(other.body, HasSubstr("the other one"));
        EXPECT_THAT(status_of(other), HasSubstr("fwd=miss"));

        EXPECT_EQ(admitted(here, 10) + admitted(sibling, 10), 2) << "four are the limit of both together";
        EXPECT_EQ(admitted(there, 10), 3) << "and the other deployment has one of its own";

        EXPECT_TRUE(eventually([&] { return redis.command({"ZCARD", stem(primary) + "instances"}).at(0) == "2"; }));
        EXPECT_TRUE(eventually([&] { return redis.command({"ZCARD", stem(twin) + "instances"}).at(0) == "1"; }));
        EXPECT_EQ(redis.command({"PUBSUB", "NUMSUB", stem(primary) + "changes"}).at(1), "2");
        EXPECT_EQ(redis.command({"PUBSUB", "NUMSUB", stem(twin) + "changes"}).at(1), "1");
        const auto keys = redis.command({"KEYS", "*"});
        for (const auto& key : keys) {
            EXPECT_TRUE(key.starts_with(stem(primary)) || key.starts_with(stem(twin)) || key.starts_with("sluice:alias:"))
                << key;
        }
        instances_.clear();
    }
}

TEST_F(RedisNamespaceTest, APurgeIsToldToTheDeploymentsOwnInstancesAlone) {
    const auto twin = with_database(primary, "twin");
    auto& here = serve_and_wait(primary);
    serve_and_wait(twin);
    const auto lines = redis.monitor([&] {
        const auto purged = http_post(here.admin_port(), "/admin/purge", R"({"tag":"thing:1"})",
                                      "Content-Type: application/json\r\nAuthorization: Bearer token-of-the-admin\r\n");
        EXPECT_EQ(purged.status, 204u) << purged.body;
        EXPECT_TRUE(eventually([&] {
            return redis.command({"INFO", "commandstats"}).at(0).find("cmdstat_publish") != std::string::npos;
        }));
    });
    std::vector<std::string> published;
    for (const auto& line : lines) {
        if (line.find("\"PUBLISH\"") != std::string::npos) published.push_back(line);
    }
    ASSERT_FALSE(published.empty());
    for (const auto& line : published) EXPECT_THAT(line, HasSubstr('"' + stem(primary) + "changes\""));
}

TEST_F(RedisNamespaceTest, APrefixTellsApartWhatTheDatabaseDoesNot) {
    std::string text = config;
    text.replace(text.find("timeout: 2s }"), 12, "timeout: 2s, prefix: green");
    const auto green = directory_.write("green.yaml", text);
    auto& here = serve_and_wait(primary);
    auto& there = serve(primary, green);
    ASSERT_TRUE(eventually([&] { return redis_state(there) == "ok"; })) << there.log();
    EXPECT_EQ(admitted(here, 10), 4);
    const auto first = thing(there);
    EXPECT_THAT(status_of(first), HasSubstr("fwd=miss"));
    EXPECT_EQ(admitted(there, 10), 3);
    const auto named = "sluice:green/" + identity(primary) + ":";
    EXPECT_TRUE(eventually([&] { return redis.command({"ZCARD", named + "instances"}).at(0) == "1"; }));
    EXPECT_EQ(redis.command({"PUBSUB", "NUMSUB", named + "changes"}).at(1), "1");
}

TEST_F(RedisNamespaceTest, AnInstanceThatStartsWhileThePrimaryIsAwaySharesWithThoseBefore) {
    TcpRelay relay{port_of(primary)};
    const auto url = with_port(primary, relay.port());
    auto& before = serve_and_wait(url);
    ASSERT_EQ(thing(before).status, 200u);
    ASSERT_TRUE(eventually([&] { return redis.command({"KEYS", "sluice:alias:*"}).size() == 1; }));
    const auto alias = redis.command({"KEYS", "sluice:alias:*"}).at(0);
    ASSERT_TRUE(eventually([&] { return redis.command({"KEYS", stem(primary) + "c:*"}).size() == 1; }));

    relay.hold();
    auto& later = serve(url);
    EXPECT_TRUE(eventually([&] { return redis_state(later) == "ok"; })) << later.log();
    EXPECT_TRUE(logs(later, R"("told_by":"redis")")) << later.log();
    EXPECT_EQ(admitted(before, 10) + admitted(later, 10), 3) << "one limit for both";
    EXPECT_TRUE(eventually([&] { return redis.command({"ZCARD", stem(primary) + "instances"}).at(0) == "2"; }));

    // Nobody remembers: nothing of anybody's is touched.
    instances_.front().reset();  // it would remind Redis
    redis.command({"FLUSHALL"});
    auto& alone = serve(url);
    EXPECT_TRUE(eventually([&] { return redis_state(alone) == "database unknown"; })) << alone.log();
    EXPECT_TRUE(logs(alone, "redis_namespace_unknown")) << alone.log();
    EXPECT_EQ(admitted(alone, 10), 0) << "nothing can be loaded, and no copy is found";
    EXPECT_EQ(redis.command({"KEYS", "sluice:lease:*"}).size(), 0u);

    // Its address led to two databases: either could be meant.
    redis.command({"ZADD", alias, "9000000000000000", "1.1", "9000000000000000", "2.2"});
    EXPECT_TRUE(eventually([&] { return redis_state(alone) == "database ambiguous"; })) << alone.log();

    relay.release();
    EXPECT_TRUE(eventually([&] { return redis_state(alone) == "ok"; })) << alone.log();
    EXPECT_TRUE(logs(alone, R"("told_by":"postgres")")) << alone.log();
    EXPECT_TRUE(eventually([&] { return redis.command({"ZCARD", stem(primary) + "instances"}).at(0) == "2"; }));
}

TEST_F(RedisNamespaceTest, AReplicaTellsWhileThePrimaryIsAway) {
    TcpRelay relay{port_of(primary)};
    relay.hold();
    std::string text = config;
    text.replace(text.find("timeout: 1s }"), 12, "timeout: 1s, replicas: [ { url: \"" + replica + "\" } ]");
    auto& instance = serve(with_port(primary, relay.port()), directory_.write("replica.yaml", text));
    EXPECT_TRUE(eventually([&] { return redis_state(instance) == "ok"; })) << instance.log();
    EXPECT_TRUE(eventually([&] { return redis.command({"ZCARD", stem(primary) + "instances"}).at(0) == "1"; }));
    EXPECT_EQ(admitted(instance, 10), 4);
}

// The name leads elsewhere, as after a restore beside the old database and a change of names.
TEST_F(RedisNamespaceTest, FollowsThePrimaryToAnotherDatabase) {
    make_twin("aside");
    const auto url = with_database(primary, "aside");
    auto& instance = serve_and_wait(url);
    ASSERT_THAT(thing(instance).body, HasSubstr("the other one"));
    const auto old_stem = stem(url);
    ASSERT_TRUE(eventually([&] { return redis.command({"KEYS", old_stem + "c:*"}).size() == 1; }));
    sql_at(with_database(primary, "twin"), "update thing set name = 'of the twin'");
    const std::string cut = "select pg_terminate_backend(pid) from pg_stat_activity where datname in ('aside', 'twin');";
    // Renaming needs a moment without connections.
    ASSERT_TRUE(eventually([&] {
        try {
            sql_at(super(), "alter database aside allow_connections false");
            sql_at(super(), cut);
            sql_at(super(), "alter database aside rename to was_aside");
            sql_at(super(), "alter database twin rename to aside");
            return true;
        } catch (const std::exception&) {
            return false;
        }
    }));
    EXPECT_NE(stem(url), old_stem);
    EXPECT_TRUE(eventually([&] {
        return redis.command({"ZCARD", stem(url) + "instances"}).at(0) == "1";
    })) << instance.log();
    EXPECT_TRUE(logs(instance, R"("replaced":true)")) << instance.log();
    EXPECT_TRUE(eventually([&] {
        const auto answer = thing(instance);
        return answer.status == 429 || answer.body.find("of the twin") != std::string::npos;
    }));
    const auto answer = thing(instance);
    if (answer.status == 200) EXPECT_THAT(answer.body, HasSubstr("of the twin"));
    EXPECT_TRUE(eventually([&] { return redis.command({"PUBSUB", "NUMSUB", old_stem + "changes"}).at(1) == "0"; }));
    instances_.clear();
    sql_at(super(), "drop database was_aside with (force)");
}

TEST_F(RedisNamespaceTest, WhereTheDatabaseMayNotTellThereIsNoNamespaceButThePrefix) {
    const auto twin = with_database(primary, "twin");
    sql_at(with_database(super(), "twin"), "revoke execute on function pg_control_system() from public");
    auto& refused = serve(twin);
    EXPECT_TRUE(eventually([&] { return redis_state(refused) == "database not told"; })) << refused.log();
    EXPECT_TRUE(logs(refused, "grant execute on function pg_control_system()")) << refused.log();
    EXPECT_EQ(thing(refused).status, 200u) << "limits and cache are its own";
    EXPECT_EQ(redis.command({"DBSIZE"}).at(0), "0");

    std::string text = config;
    text.replace(text.find("timeout: 2s }"), 12, "timeout: 2s, prefix: green");
    auto& green = serve(twin, directory_.write("green.yaml", text));
    EXPECT_TRUE(eventually([&] { return redis_state(green) == "ok"; })) << green.log();
    EXPECT_TRUE(eventually([&] { return redis.command({"ZCARD", "sluice:green/:instances"}).at(0) == "1"; }));

    sql_at(with_database(super(), "twin"), "grant execute on function pg_control_system() to sluice");
    EXPECT_TRUE(eventually([&] { return redis_state(refused) == "ok"; })) << refused.log();
}

TEST(RedisNamespace, UsageOfVersionsWhoseNamesHeldNoDatabaseIsFoundAndMoved) {
    const RedisServer server;
    RedisInstance old{server.settings(20'000ms)};
    RedisInstance instance{server.settings(20'000ms)};
    ASSERT_TRUE(old.recovers() && instance.recovers());
    instance.client.keys().withhold();
    redis::UsageLog old_log{old.client};
    redis::UsageLog log{instance.client};
    const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
    const std::vector<policy::KeyUsage> some{{"a", today, {3, 1, 100, 1}}};
    const auto never = Deadline::never();
    ASSERT_TRUE(old.run(0, old_log.add(1, some, never)));
    EXPECT_FALSE(instance.run(0, log.add(1, some, never))) << "nobody knows yet whose it is";
    EXPECT_FALSE(instance.run(0, log.pending("a", {today}, never)));

    instance.client.keys().belong_to("1.2", TimePoint{});
    ASSERT_TRUE(instance.run(0, log.add(1, some, never)));
    const auto pending = instance.run(0, log.pending("a", {today}, never));
    ASSERT_TRUE(pending);
    EXPECT_EQ(pending->size(), 2u);
    std::uint64_t requests = 0;
    while (const auto batch = instance.run(0, log.oldest_closed(0ms, never))) {
        for (const auto& one : batch->usage) requests += one.usage.requests;
        ASSERT_TRUE(instance.run(0, log.forget(*batch, never)));
    }
    EXPECT_EQ(requests, 6u);
    EXPECT_EQ(server.command({"KEYS", "*batch*"}).size(), 0u);
}

TEST(RedisNamespace, AnAliasRemembersEveryDatabaseForADay) {
    const RedisServer server;
    RedisInstance instance{server.settings(20'000ms)};
    ASSERT_TRUE(instance.recovers());
    redis::DatabaseAlias alias{instance.client, "db:5432/shop"};
    redis::DatabaseAlias other{instance.client, "db:5432/stock"};
    const auto remember = [](redis::DatabaseAlias& to, std::string database) -> awaitable<bool> {
        co_await to.remember(std::move(database), Deadline::never());
        co_return true;
    };
    const auto databases = [&](redis::DatabaseAlias& of) {
        return instance.run(0, of.databases(Deadline::never())).value_or(std::vector<std::string>{"no answer"});
    };
    EXPECT_THAT(databases(alias), ::testing::IsEmpty());
    instance.run(0, remember(alias, "1.1"));
    instance.run(0, remember(alias, "1.1"));
    EXPECT_THAT(databases(alias), ::testing::ElementsAre("1.1"));
    EXPECT_THAT(databases(other), ::testing::IsEmpty());
    instance.run(0, remember(alias, "2.1"));
    EXPECT_THAT(databases(alias), ::testing::UnorderedElementsAre("1.1", "2.1"));
    const auto key = server.command({"KEYS", "sluice:alias:*"}).at(0);
    EXPECT_GT(std::stoll(server.command({"PTTL", key}).at(0)), 86'000'000);
    server.command({"ZADD", key, "1", "1.1"});
    EXPECT_THAT(databases(alias), ::testing::ElementsAre("2.1")) << "a day has passed";
}

}  // namespace
}  // namespace sluice::test

// A Redis that answers with errors: what says that the server is of no use, or takes no writes, is told apart from what
// concerns one command. Real servers on the loopback, one behind a forwarder whose old connections stay open.
#include "redis/byte_store.hpp"
#include "redis/leased_rate_limiter.hpp"
#include "support/http_client.hpp"
#include "support/postgres_fixture.hpp"
#include "support/redis_fixture.hpp"
#include "support/tcp_relay.hpp"
#include "support/world.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <thread>

namespace sluice::test {
namespace {

using redis::Status;
using ::testing::HasSubstr;

constexpr auto patient = 20'000ms;

/// Until the instance says so of Redis.
bool says(const RedisInstance& instance, const std::string& state) {
    return eventually([&] { return instance.client.state() == state; });
}

bool counts(const RedisInstance& instance, const std::string& reason) {
    return instance.metrics.render().find("sluice_redis_refusals_total{reason=\"" + reason + "\"} ") != std::string::npos;
}

std::int64_t connection_of(RedisInstance& instance) { return instance.ask(0, {"CLIENT", "ID"}).value.integer; }

/// Asks until the answer is of that status.
bool answers(RedisInstance& instance, std::initializer_list<std::string_view> command, Status status) {
    return eventually([&] { return instance.ask(0, command).status == status; });
}

RedisSettings as_app(const RedisServer& server) {
    server.command({"ACL", "SETUSER", "app", "on", ">secret", "allkeys", "allchannels", "+@all"});
    return {"redis://app:secret@127.0.0.1:" + std::to_string(server.port()), patient};
}

TEST(RedisRefusals, ATurnedMasterBehindAForwarderIsLeftForTheNewOne) {
    const RedisServer old_master;
    const RedisServer new_master;
    TcpRelay relay{old_master.port()};
    RedisInstance instance{{with_port(old_master.url(), relay.port()), patient}};
    ASSERT_TRUE(instance.recovers());
    EXPECT_EQ(instance.client.state(), "ok");
    ASSERT_EQ(instance.ask(0, {"SET", "k", "old"}).status, Status::ok);

    old_master.command({"CONFIG", "SET", "masterauth", RedisServer::password});
    old_master.command({"REPLICAOF", "127.0.0.1", std::to_string(new_master.port())});
    ASSERT_TRUE(eventually([&] {
        instance.ask(0, {"SET", "k", "lost"});
        return instance.client.state() == "refused: READONLY";
    }));
    EXPECT_FALSE(instance.client.available());
    EXPECT_TRUE(counts(instance, "READONLY"));
    EXPECT_TRUE(eventually([&] { return has_line(instance.metrics, "sluice_breaker_state{dependency=\"redis\"} 1"); }));
    EXPECT_EQ(instance.ask(1, {"GET", "k"}).status, Status::unavailable) << "nor is it read";

    relay.lead_to(new_master.port());
    EXPECT_TRUE(instance.recovers());
    EXPECT_EQ(instance.client.state(), "ok");
    for (const std::size_t loop : {0, 1, 2}) {
        EXPECT_EQ(instance.ask(loop, {"SET", "k" + std::to_string(loop), "new"}).status, Status::ok);
        EXPECT_EQ(new_master.command({"GET", "k" + std::to_string(loop)}).at(0), "new");
    }
}

TEST(RedisRefusals, AReplicaThatTakesWritesIsTheWrongServerAlso) {
    const RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    server.command({"CONFIG", "SET", "replica-read-only", "no"});
    server.command({"REPLICAOF", "127.0.0.1", "1"});
    EXPECT_TRUE(says(instance, "refused: READONLY")) << "though nobody asks for anything";
    server.command({"REPLICAOF", "NO", "ONE"});
    EXPECT_TRUE(instance.recovers());
}

TEST(RedisRefusals, AServerThatLoadsIsAwayUntilItHasLoaded) {
    const RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    const std::string kilobyte(1024, 'x');
    for (int i = 0; i < 100; ++i) server.command({"SET", "k" + std::to_string(i), kilobyte});
    server.command({"CONFIG", "SET", "rdbcompression", "no", "key-load-delay", "20000",
                    "loading-process-events-interval-bytes", "1024"});
    std::jthread reload{[&] { server.command({"DEBUG", "RELOAD"}); }};
    EXPECT_TRUE(eventually([&] {
        instance.ask(0, {"GET", "k1"});
        return instance.client.state() == "refused: LOADING";
    }));
    EXPECT_TRUE(counts(instance, "LOADING"));
    EXPECT_TRUE(instance.recovers());
    EXPECT_EQ(instance.ask(0, {"GET", "k1"}).value.text, kilobyte);
}

TEST(RedisRefusals, AScriptThatDoesNotEndMakesItAway) {
    const RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    server.command({"CONFIG", "SET", "busy-reply-threshold", "10"});
    std::jthread busy{[&] { server.command({"EVAL", "while true do end", "0"}); }};
    EXPECT_TRUE(eventually([&] {
        instance.ask(0, {"GET", "k"});
        return instance.client.state() == "refused: BUSY";
    }));
    EXPECT_TRUE(counts(instance, "BUSY"));
    server.command({"SCRIPT", "KILL"});
    EXPECT_TRUE(instance.recovers());
    EXPECT_EQ(instance.ask(0, {"SET", "k", "v"}).status, Status::ok);
}

TEST(RedisRefusals, AFullServerIsReadAndNotWritten) {
    const RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    redis::ByteStore store{instance.client};
    redis::LeasedRateLimiter limiter{instance.client};
    const auto never = Deadline::never();
    const std::vector<RateLimit> limits{{10, 60'000ms, {}}};
    const RateRequest request{"acme", limits, 1};
    ASSERT_TRUE(instance.run(0, store.put("k", "kept", 60'000ms, never)));
    const auto connection = connection_of(instance);

    server.command({"CONFIG", "SET", "maxmemory", "1"});
    EXPECT_FALSE(instance.run(0, store.put("k", "lost", 60'000ms, never)));
    EXPECT_TRUE(says(instance, "writes refused: OOM"));
    EXPECT_TRUE(instance.client.available()) << "it can be read";
    EXPECT_TRUE(counts(instance, "OOM"));
    EXPECT_EQ(instance.run(0, store.get("k", never)).bytes, "kept");
    EXPECT_EQ(instance.run(0, limiter.acquire(request, never)).verdict, RateDecision::Verdict::unavailable);
    const auto sent = info(server, "stats", {"total_error_replies:"});
    for (int i = 0; i < 100; ++i) EXPECT_FALSE(instance.run(0, store.put("k", "lost", 60'000ms, never)));
    EXPECT_LT(info(server, "stats", {"total_error_replies:"}) - sent, 20u) << "what would be refused is not sent";

    server.command({"CONFIG", "SET", "maxmemory", "0"});
    EXPECT_TRUE(says(instance, "ok"));
    EXPECT_TRUE(instance.run(0, store.put("k", "new", 60'000ms, never)));
    EXPECT_EQ(instance.run(0, limiter.acquire(request, never)).verdict, RateDecision::Verdict::admitted);
    EXPECT_EQ(connection_of(instance), connection);
}

TEST(RedisRefusals, AnInstanceThatMeetsAFullServerReadsIt) {
    const RedisServer server;
    server.command({"SET", "sluice:c:k", "kept", "PX", "60000"});
    server.command({"CONFIG", "SET", "maxmemory", "1"});
    RedisInstance instance{server.settings(patient)};
    EXPECT_TRUE(says(instance, "writes refused: OOM"));
    redis::ByteStore store{instance.client};
    EXPECT_EQ(instance.run(0, store.get("k", Deadline::never())).bytes, "kept");
}

TEST(RedisRefusals, AServerThatCannotSaveIsReadAndNotWritten) {
    const RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    ASSERT_EQ(instance.ask(0, {"SET", "k", "v"}).status, Status::ok);
    const std::filesystem::path directory = server.command({"CONFIG", "GET", "dir"}).at(1);
    std::filesystem::create_directory(directory / "dump.rdb");  // where the file should be
    server.command({"CONFIG", "SET", "save", "3600 1000000"});
    server.command({"BGSAVE"});
    ASSERT_TRUE(eventually([&] {
        return server.command({"INFO", "persistence"}).at(0).find("rdb_last_bgsave_status:err") != std::string::npos;
    }));
    instance.ask(0, {"SET", "k", "lost"});
    EXPECT_TRUE(says(instance, "writes refused: MISCONF"));
    server.command({"CONFIG", "SET", "stop-writes-on-bgsave-error", "no"});
    EXPECT_TRUE(says(instance, "ok"));
    EXPECT_TRUE(answers(instance, {"SET", "k", "new"}, Status::ok));
}

TEST(RedisRefusals, AUserWithoutTheRightsThatAreNeededIsAsGoodAsAway) {
    const RedisServer server;
    RedisInstance instance{as_app(server)};
    ASSERT_TRUE(instance.recovers());
    server.command({"ACL", "SETUSER", "app", "-set"});
    EXPECT_EQ(instance.ask(0, {"SET", "k", "v"}).status, Status::error);
    EXPECT_TRUE(says(instance, "refused: NOPERM"));
    EXPECT_TRUE(counts(instance, "NOPERM"));
    server.command({"ACL", "SETUSER", "app", "+set"});
    EXPECT_TRUE(instance.recovers());
    EXPECT_EQ(instance.ask(0, {"SET", "k", "v"}).status, Status::ok);
}

// One key, one channel, one command: the others go on, over the same connection.
TEST(RedisRefusals, AnErrorOfOneCommandTouchesThatCommandAlone) {
    const RedisServer server;
    RedisInstance instance{as_app(server)};
    ASSERT_TRUE(instance.recovers());
    const auto connection = connection_of(instance);
    server.command({"LPUSH", "list", "x"});
    server.command({"ACL", "SETUSER", "app", "resetchannels", "-lpush"});
    for (int i = 0; i < 30; ++i) {
        EXPECT_THAT(instance.ask(0, {"GET", "list"}).value.text, HasSubstr("WRONGTYPE"));
        EXPECT_THAT(instance.ask(0, {"PUBLISH", "c", "m"}).value.text, HasSubstr("NOPERM"));
        EXPECT_THAT(instance.ask(0, {"LPUSH", "list", "y"}).value.text, HasSubstr("NOPERM"));
        EXPECT_THAT(instance.ask(0, {"EVAL", "return nil + 1", "0"}).value.text, HasSubstr("ERR"));
    }
    const auto trials = info(server, "commandstats", {"cmdstat_eval:", "calls="});
    EXPECT_TRUE(eventually([&] {
        instance.ask(0, {"PUBLISH", "c", "m"});
        return info(server, "commandstats", {"cmdstat_eval:", "calls="}) > trials + 1;
    })) << "the watcher makes sure";
    EXPECT_EQ(instance.client.state(), "ok");
    EXPECT_EQ(connection_of(instance), connection);
    EXPECT_EQ(instance.ask(0, {"SET", "k", "v"}).status, Status::ok);
}

constexpr auto config = R"(
server: { listen: "${SLUICE_LISTEN}", admin: "${SLUICE_ADMIN}", threads: 1 }
postgres: { primary: "${SLUICE_PG_PRIMARY}" }
redis: { url: "${REDIS}", timeout: 2s }
routes:
  GET /things/{id}:
    params: { id: integer }
    result: one
    sql: select id, name from thing where id = :id
    cache: { ttl: 60s }
)";

class RedisRefusalsTest : public PostgresTest {};

TEST_F(RedisRefusalsTest, ReadinessAndLogNameTheReasonAndTheChannelMovesToo) {
    world_environment();  // loads its example
    SetUp();              // and so the schema anew
    const RedisServer old_master;
    const RedisServer new_master;
    TcpRelay relay{old_master.port()};
    TemporaryDirectory directory;
    auto environment = world_environment();
    environment["REDIS"] = with_port(old_master.url(), relay.port());
    const Instance instance{directory.write("c.yaml", config), environment};
    const auto state = [&] {
        const auto ready = nlohmann::json::parse(http_get(instance.admin_port(), "/health/ready").body);
        return ready.at("dependencies").at("redis").get<std::string>();
    };
    ASSERT_TRUE(eventually([&] { return state() == "ok"; })) << instance.log();
    // Nobody asks for anything: the instance's heartbeat finds out.
    old_master.command({"REPLICAOF", "127.0.0.1", "1"});
    EXPECT_TRUE(eventually([&] { return state() == "refused: READONLY"; })) << instance.log();
    EXPECT_EQ(http_get(instance.port(), "/things/1").status, 200u) << "served without Redis";
    EXPECT_THAT(http_get(instance.admin_port(), "/metrics").body,
                HasSubstr("sluice_redis_refusals_total{reason=\"READONLY\"}"));
    const auto logs = [&](const std::string& text) {
        return eventually([&] { return instance.log().find(text) != std::string::npos; });
    };
    EXPECT_TRUE(logs(R"("problem":"refused: READONLY)")) << instance.log();
    EXPECT_TRUE(logs(R"("dependency":"redis","state":"open","reason":"READONLY")")) << instance.log();
    relay.lead_to(new_master.port());
    EXPECT_TRUE(eventually([&] { return state() == "ok"; })) << instance.log();
    EXPECT_TRUE(eventually([&] { return new_master.command({"PUBSUB", "CHANNELS"}).size() == 1; }));
}

}  // namespace
}  // namespace sluice::test

// The program as an operator meets it: files with mistakes, addresses in use, signals.
#include "support/http_client.hpp"
#include "support/private_stack.hpp"
#include "support/world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <future>

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

const std::string head = R"(server:
  listen: ${SLUICE_LISTEN:-127.0.0.1:0}
  admin: ${SLUICE_ADMIN:-127.0.0.1:0}
postgres:
  primary: ${SLUICE_PG_PRIMARY}
  replicas: [ { url: "${SLUICE_PG_REPLICA_1}" } ]
)";

CommandResult sluice(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), sluice_program());
    return run_command(arguments, world_environment());
}

/// How many statements with this text run on the server, as psql prints it.
std::string running_at(const char* server, const std::string& text) {
    const auto count =
        "select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid()"
        " and query like '%" +
        text + "%'";
    return run_command({"psql", "-Atc", count, world_environment().at(server)}).out;
}

}  // namespace

TEST(Check, PrintsTheRouteTable) {
    const auto result = sluice({"check", "--config", world_config().string()});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("GET     /v1/cities/{id}"));
    const auto json = sluice({"check", "--config", world_config().string(), "--json"});
    EXPECT_GE(nlohmann::json::parse(json.out).at("routes").size(), 14u);
}

TEST(Check, ReportsEveryMistakeAtItsLine) {
    const TemporaryDirectory directory;
    const auto file = directory.write("bad.yaml", head + R"(cahce: { l1_bytes: 1MiB }
routes:
  GET /a/{id}:
    params: { id: intger }
    sql: select :id::int
  GET /b:
    sql: select :x
    cache: { tll: 5s }
  GET /c:
    sql: select 1
    timeout: 5 parsecs
)");
    const auto result = sluice({"check", "--config", file.string()});
    EXPECT_EQ(result.exit_code, 1);
    for (const auto* line : {":7:", ":10:", ":13:", ":14:", ":17:"})
        EXPECT_THAT(result.err, HasSubstr("bad.yaml" + std::string{line})) << result.err;
    EXPECT_THAT(result.err, HasSubstr("did you mean 'ttl'?"));
}

TEST(Check, AsksPostgresAboutEveryStatement) {
    const TemporaryDirectory directory;
    const auto file = directory.write("bad.yaml", head + R"(routes:
  GET /missing:
    sql: select * from no_such_table
  GET /writes:
    sql: delete from review returning id
  GET /locks:
    sql: select id from review for update
  GET /types:
    params: { id: string }
    sql: select name from city where id = :id
  GET /good:
    params: { id: integer }
    sql: select name from city where id = :id
)");
    const auto result = sluice({"check", "--config", file.string()});
    EXPECT_EQ(result.exit_code, 1);
    for (const auto* route : {"GET /missing", "GET /writes", "GET /locks", "GET /types"})
        EXPECT_THAT(result.err, HasSubstr(route));
    EXPECT_EQ(result.err.find("GET /good"), std::string::npos) << result.err;
    const auto served = sluice({"serve", "--config", file.string()});
    EXPECT_EQ(served.exit_code, 1);
    EXPECT_THAT(served.err, HasSubstr("GET /missing"));
}

TEST(Usage, MistakesExitWith2) {
    EXPECT_EQ(sluice({}).exit_code, 2);
    EXPECT_EQ(sluice({"sevre"}).exit_code, 2);
    EXPECT_EQ(sluice({"serve"}).exit_code, 2);
    EXPECT_EQ(sluice({"--help"}).exit_code, 0);
    EXPECT_EQ(sluice({"keys", "create", "--help"}).exit_code, 0);
    EXPECT_THAT(sluice({"version"}).out, HasSubstr("sluice "));
    const auto missing = sluice({"serve", "--config", "/no/such/file.yaml"});
    EXPECT_EQ(missing.exit_code, 1);
    EXPECT_THAT(missing.err, HasSubstr("/no/such/file.yaml"));
}

TEST(Migrate, IsIdempotent) {
    EXPECT_EQ(sluice({"migrate", "--config", world_config().string()}).exit_code, 0);
    const auto again = sluice({"migrate", "--config", world_config().string()});
    EXPECT_EQ(again.exit_code, 0) << again.err;
    EXPECT_THAT(again.out, HasSubstr("up to date"));
}

TEST(Serve, AnAddressInUseIsOneLineAndExit1) {
    const TemporaryDirectory directory;
    const auto file = directory.write("api.yaml", head + "routes: {}\n");
    Instance first{file, world_environment()};
    auto environment = world_environment();
    environment["SLUICE_LISTEN"] = "127.0.0.1:" + std::to_string(first.port());
    const auto second = run_command({sluice_program(), "serve", "--config", file.string()}, environment);
    EXPECT_EQ(second.exit_code, 1);
    EXPECT_THAT(second.err, HasSubstr("cannot listen on " + environment["SLUICE_LISTEN"]));
    EXPECT_EQ(std::count(second.err.begin(), second.err.end(), '\n'), 1);
}

TEST(Serve, WithoutRedisAndPostgresItStillServes) {
    const TemporaryDirectory directory;
    const auto file = directory.write("api.yaml", "server: { listen: '127.0.0.1:0', admin: '127.0.0.1:0' }\n");
    Instance instance{file, {}};
    EXPECT_EQ(http_get(instance.port(), "/").status, 404u);
    EXPECT_EQ(http_get(instance.admin_port(), "/health/ready").status, 200u);
    EXPECT_THAT(instance.log(), HasSubstr("no_redis"));
}

TEST(Serve, ASignalDrainsAndRequestsInFlightFinish) {
    const TemporaryDirectory directory;
    const auto file = directory.write("api.yaml", head + R"(routes:
  GET /slow:
    result: one
    sql: select 'done' as state from pg_sleep(1.5)
)");
    Instance instance{file, world_environment()};
    HttpClient idle{instance.port()};
    ASSERT_EQ(idle.request("GET", "/nothing").status, 404u);
    auto slow = std::async(std::launch::async, [&] { return http_get(instance.port(), "/slow"); });
    ASSERT_TRUE(eventually([&] {
        return http_get(instance.admin_port(), "/metrics").body.find("sluice_http_in_flight 1") != std::string::npos;
    }));
    instance.signal(SIGTERM);
    EXPECT_TRUE(idle.wait_closed()) << "idle connections are closed at once";
    const auto answer = slow.get();
    EXPECT_EQ(answer.status, 200u) << answer.body;
    EXPECT_TRUE(answer.closes());
    EXPECT_EQ(instance.wait(), 0);
}

TEST(Serve, ASecondSignalEndsItAtOnce) {
    const TemporaryDirectory directory;
    const auto file = directory.write("api.yaml", head + R"(routes:
  GET /slow:
    timeout: 60s
    result: one
    sql: select 'done' as state from pg_sleep(4)
)");
    Instance instance{file, world_environment()};
    HttpClient client{instance.port()};
    client.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(eventually([&] {
        return http_get(instance.admin_port(), "/metrics").body.find("sluice_http_in_flight 1") != std::string::npos;
    }));
    instance.signal(SIGINT);
    ASSERT_TRUE(eventually([&] { return instance.log().find("draining") != std::string::npos; }));
    EXPECT_EQ(nlohmann::json::parse(http_get(instance.admin_port(), "/health/ready").body).at("status"), "draining");
    instance.signal(SIGTERM);
    EXPECT_EQ(instance.wait(), 128 + SIGTERM);
}

TEST(Serve, ADeadlineThatPassesIs504AndCancelsTheStatement) {
    const TemporaryDirectory directory;
    const auto file = directory.write("api.yaml", head + R"(routes:
  GET /slow:
    timeout: 300ms
    result: one
    sql: select 'done' as state from pg_sleep(20)
)");
    Instance instance{file, world_environment()};
    const auto answer = http_get(instance.port(), "/slow");
    EXPECT_EQ(answer.status, 504u);
    EXPECT_EQ(answer.header("Content-Type"), "application/problem+json");
    EXPECT_TRUE(eventually([] { return running_at("SLUICE_PG_REPLICA_1_SUPER", "pg_sleep(20)") == "0\n"; }));
}

TEST(Serve, AClientThatGoesAwayEndsItsStatement) {
    const TemporaryDirectory directory;
    const auto file = directory.write("api.yaml", head + R"(  timeout: 100s
routes:
  GET /slow:
    timeout: 100s
    result: one
    sql: select 'done' as state from pg_sleep(95)
  POST /slow:
    timeout: 100s
    result: one
    sql: select 'written' as state from pg_sleep(95)
)");
    Instance instance{file, world_environment()};
    struct Case {
        const char* request;
        const char* server;
    };
    for (const auto& one : {Case{"GET", "SLUICE_PG_REPLICA_1_SUPER"}, Case{"POST", "SLUICE_PG_SUPER"}}) {
        {
            HttpClient client{instance.port()};
            client.send(std::string{one.request} + " /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
            ASSERT_TRUE(eventually([&] { return running_at(one.server, "pg_sleep(95)") == "1\n"; })) << one.request;
        }
        EXPECT_TRUE(eventually([&] { return running_at(one.server, "pg_sleep(95)") == "0\n"; })) << one.request;
    }
    EXPECT_TRUE(eventually([&] { return instance.log().find(R"("status":499)") != std::string::npos; }));
    // The connections are whole: the next statements on them run.
    EXPECT_EQ(http_get(instance.admin_port(), "/health/ready").status, 200u);
    EXPECT_EQ(instance.log().find("server_unreachable"), std::string::npos);
}

TEST(Serve, ErrorsOfTheDatabaseBecomeStatusesAndLeakNothing) {
    const TemporaryDirectory directory;
    const auto file = directory.write("api.yaml", head + R"(routes:
  GET /divide/{by}:
    params: { by: integer }
    result: one
    sql: select 1 / :by::int as result
  POST /things:
    body: { type: object, properties: { id: { type: integer }, name: { type: string } } }
    status: 201
    result: one
    sql: insert into serve_test_thing (id, name) values (:id, :name) returning *
  GET /hidden:
    sql: select * from serve_test_function()
)");
    const auto& url = world_environment().at("SLUICE_PG_PRIMARY");
    const std::string tables = R"(
drop table if exists serve_test_thing;
create table serve_test_thing (id int primary key, name text not null check (name <> 'bad'));
create or replace function serve_test_function() returns setof serve_test_thing
    language sql as 'insert into serve_test_thing values (1, $$x$$) returning *';
)";
    const auto prepared = run_command({"psql", "-v", "ON_ERROR_STOP=1", "-c", tables, url});
    ASSERT_EQ(prepared.exit_code, 0) << prepared.err;
    Instance instance{file, world_environment()};
    ASSERT_TRUE(eventually([&] { return http_get(instance.port(), "/divide/1").status == 200; }));
    const std::string json = "Content-Type: application/json\r\n";
    const auto post = [&](const std::string& body) { return http_post(instance.port(), "/things", body, json); };
    EXPECT_EQ(http_get(instance.port(), "/divide/0").status, 400u);
    EXPECT_EQ(http_get(instance.port(), "/divide/99999999999").status, 400u);
    EXPECT_EQ(post(R"({"id":1,"name":"a"})").status, 201u);
    EXPECT_EQ(post(R"({"id":1,"name":"a"})").status, 409u);
    EXPECT_EQ(post(R"({"id":2,"name":"bad"})").status, 422u);
    EXPECT_EQ(post(R"({"id":2})").status, 422u);
    EXPECT_EQ(post(R"({"id":99999999999,"name":"a"})").status, 422u);
    const auto hidden = http_get(instance.port(), "/hidden");
    EXPECT_EQ(hidden.status, 500u) << "a function that writes cannot be called by a GET";
    for (const auto& answer : {hidden, post(R"({"id":1,"name":"a"})")}) {
        for (const auto* secret : {"serve_test_function", "Key (", "insert", "read-only", "duplicate", "127.0.0.1"})
            EXPECT_EQ(answer.body.find(secret), std::string::npos) << answer.body;
    }
}

}  // namespace sluice::test

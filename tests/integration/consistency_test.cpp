// Read-your-writes: whoever brings back the token of a write sees it, through any instance, cache and replica.
#include "support/http_client.hpp"
#include "support/postgres_fixture.hpp"
#include "support/process.hpp"
#include "support/world.hpp"

#include <gmock/gmock.h>

#include <csignal>
#include <nlohmann/json.hpp>

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string config = R"(
server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0" }
log: { access: off }
postgres: { primary: "${SLUICE_PG_PRIMARY}", replicas: [ { url: "${SLUICE_PG_REPLICA_1}" } ], max_lag: 1h }
redis: { url: "${SLUICE_REDIS}" }
auth: { key_secrets: [ "${SLUICE_KEY_SECRET}" ] }
tiers: { anonymous: { requests: 100000000, window: 60s } }
routes:
  PUT /counter/{id}/{value}:
    params: { id: integer, value: integer }
    result: none
    sql: update counter set value = :value where id = :id
    invalidates: ["counter:{id}"]
  GET /plain/{id}:
    params: { id: integer }
    result: one
    sql: select value from counter where id = :id
  GET /tagged/{id}:
    params: { id: integer }
    result: one
    sql: select value from counter where id = :id
    cache: { ttl: 1h, tags: ["counter:{id}"] }
  GET /untagged/{id}:
    params: { id: integer }
    result: one
    sql: select value from counter where id = :id
    cache: { ttl: 1h }
)";

class ConsistencyTest : public PostgresTest {
protected:
    void SetUp() override {
        PostgresTest::SetUp();
        sql("drop table if exists public.counter; create table public.counter (id int primary key, value int not null);"
            " insert into public.counter select i, 0 from generate_series(1, 6) i");
        wait_for_replica();
    }
    void TearDown() override {
        pause(false);
        sql("drop table if exists public.counter");
    }

    std::string write_config(const std::string& more = "") { return directory_.write("api.yaml", config + more).string(); }
    void pause(bool paused) {
        sql_at(stack.env("SLUICE_PG_REPLICA_1_SUPER"),
               paused ? "select pg_wal_replay_pause()" : "select pg_wal_replay_resume()");
    }
    static std::string field(const std::string& token) { return "Sluice-Consistency: " + token + "\r\n"; }
    static std::string token_of(const HttpResponse& response) {
        return response.header("Sluice-Consistency").value_or("none");
    }
    static int value(const HttpResponse& response) {
        if (response.status != 200) ADD_FAILURE() << response.status << response.body;
        return nlohmann::json::parse(response.body).at("data").at("value").get<int>();
    }

    TemporaryDirectory directory_;
    const Environment& environment_ = world_environment();
};

}  // namespace

TEST_F(ConsistencyTest, ThousandWritesAreEachSeenWhileTheReplicaStandsStill) {
    const auto file = write_config();
    Instance one{file, environment_};
    Instance two{file, environment_};
    HttpClient writer{one.port()};
    HttpClient reader{two.port()};
    pause(true);
    int violations = 0;
    int hits = 0;
    int old_without_token = 0;
    for (int i = 1; i <= 1000; ++i) {
        const auto id = std::to_string(i % 5 + 1);
        const auto written = writer.request("PUT", "/counter/" + id + "/" + std::to_string(i));
        ASSERT_EQ(written.status, 204u) << written.body;
        const auto* route = i % 3 == 0 ? "/plain/" : i % 3 == 1 ? "/tagged/" : "/untagged/";
        const auto mine = reader.request("GET", route + id, "", field(token_of(written)));
        if (value(mine) < i) ++violations;
        // A second read takes what the first has brought, if it is after the token.
        const auto again = reader.request("GET", "/tagged/" + id, "", field(token_of(written)));
        if (value(again) < i) ++violations;
        if (again.header("Cache-Status").value_or("").find("hit") != std::string::npos) ++hits;
        if (value(reader.request("GET", "/plain/" + id)) < i) ++old_without_token;
    }
    std::cout << "1000 writes: " << violations << " violations of 2000 reads with the token, " << hits
              << " of them cache hits; without it " << old_without_token << " of 1000 saw the old value\n";
    EXPECT_EQ(violations, 0);
    EXPECT_GT(old_without_token, 900);
}

TEST_F(ConsistencyTest, AReplicaThatHasCaughtUpAnswers) {
    Instance instance{write_config(), environment_};
    HttpClient client{instance.port()};
    const auto written = client.request("PUT", "/counter/1/7");
    wait_for_replica();
    // Some bytes more of the log than the write's may be asked for; they come with the next thing that happens.
    sql("update public.counter set value = value where id = 2");
    wait_for_replica();
    ASSERT_EQ(value(client.request("GET", "/plain/1", "", field(token_of(written)))), 7);
    const auto metrics = http_get(instance.admin_port(), "/metrics").body;
    EXPECT_THAT(metrics, HasSubstr("sluice_db_query_seconds_count{server=\"replica-1\"} 1"));
}

TEST_F(ConsistencyTest, ATokenMadeElsewhereIsRefused) {
    Instance instance{write_config(), environment_};
    HttpClient client{instance.port()};
    auto token = token_of(client.request("PUT", "/counter/1/7"));
    EXPECT_EQ(client.request("GET", "/tagged/1", "", field(token)).status, 200u);
    token[0] = token[0] == 'A' ? 'B' : 'A';
    for (const auto* route : {"/plain/1", "/tagged/1"}) {
        const auto refused = client.request("GET", route, "", field(token));
        EXPECT_EQ(refused.status, 400u);
        EXPECT_THAT(refused.body, HasSubstr(R"("in":"header","name":"Sluice-Consistency")"));
    }
    EXPECT_EQ(client.request("GET", "/plain/1", "", field("")).status, 400u);
}

TEST_F(ConsistencyTest, ABrowserBringsItAsACookie) {
    Instance instance{write_config("consistency: cookie\n"), environment_};
    HttpClient client{instance.port()};
    pause(true);
    const auto written = client.request("PUT", "/counter/1/7");
    const auto set = written.header("Set-Cookie").value_or("");
    EXPECT_THAT(set, StartsWith("sluice_consistency=" + token_of(written) + "; Max-Age=3660; Path=/; HttpOnly"));
    const auto cookie = "Cookie: a=b; " + set.substr(0, set.find(';')) + "; c=d\r\n";
    EXPECT_EQ(value(client.request("GET", "/plain/1", "", cookie)), 7);
    EXPECT_EQ(value(client.request("GET", "/plain/1")), 0);
    // A browser may hold several, for other paths or domains, of which none may lock it out.
    const auto good = set.substr(0, set.find(';'));
    for (const auto& cookies : {"sluice_consistency=made-up; " + good, good + "; sluice_consistency=",
                                "sluice_consistency=x;" + good, "sluice_consistency=x\r\nCookie: " + good}) {
        EXPECT_EQ(value(client.request("GET", "/plain/1", "", "Cookie: " + cookies + "\r\n")), 7) << cookies;
    }
    EXPECT_EQ(client.request("GET", "/plain/1", "", "Cookie: sluice_consistency=a; sluice_consistency=b\r\n").status, 200u);
    const auto refused = client.request("GET", "/plain/1", "", "Cookie: sluice_consistency=made-up\r\n");
    EXPECT_EQ(refused.status, 400u);
    EXPECT_THAT(refused.header("Set-Cookie").value_or(""), StartsWith("sluice_consistency=; Max-Age=0;"));
}

TEST_F(ConsistencyTest, WithoutThePrimaryNoOlderValuePassesForANewOne) {
    Instance instance{write_config(), environment_};
    HttpClient client{instance.port()};
    ASSERT_EQ(value(client.request("GET", "/untagged/6")), 0);
    const auto token = field(token_of(client.request("PUT", "/counter/6/7")));
    pause(true);
    stack.kill("primary");
    const auto answer = client.request("GET", "/untagged/6", "", token);
    if (answer.status == 200) {
        EXPECT_TRUE(value(answer) == 7 || answer.body.find("\"stale\":true") != std::string::npos) << answer.body;
    }
    pause(false);
    stack.up();
}

TEST_F(ConsistencyTest, APrimaryThatHasRecoveredFromACrashIsAheadOfEveryToken) {
    Instance instance{write_config(), environment_};
    HttpClient client{instance.port()};
    pause(true);
    // PostgreSQL ends all sessions and replays its log when one of its processes dies like this.
    const auto rows =
        sql_at(stack.env("SLUICE_PG_SUPER"), "select pid from pg_stat_activity where backend_type = 'walwriter'");
    ASSERT_EQ(::kill(std::stoi(rows.at(0).at(0).value()), SIGKILL), 0);
    HttpResponse written;
    ASSERT_TRUE(eventually([&] { return (written = client.request("PUT", "/counter/1/7")).status == 204; }));
    EXPECT_TRUE(eventually([&] { return client.request("GET", "/plain/1", "", field(token_of(written))).status == 200; }));
    EXPECT_EQ(value(client.request("GET", "/plain/1", "", field(token_of(written)))), 7);
}

TEST_F(ConsistencyTest, AWriteIsDoneThoughItsPlaceInHistoryCannotBeAsked) {
    Instance instance{write_config(), environment_};
    HttpClient client{instance.port()};
    const auto& super = stack.env("SLUICE_PG_SUPER");
    sql_at(super, "revoke execute on function pg_current_wal_insert_lsn() from public");
    const auto written = client.request("PUT", "/counter/1/7");
    sql_at(super, "grant execute on function pg_current_wal_insert_lsn() to public");
    EXPECT_EQ(written.status, 204u) << written.body;
    EXPECT_EQ(token_of(written), "none");
    EXPECT_NE(token_of(client.request("PUT", "/counter/1/8")), "none");
}

TEST_F(ConsistencyTest, AWriteThatIsRefusedAtItsCommitIsNotDone) {
    sql("update public.counter set value = -id; alter table public.counter add constraint once unique (value) deferrable "
        "initially deferred");
    Instance instance{write_config(), environment_};
    HttpClient client{instance.port()};
    ASSERT_EQ(client.request("PUT", "/counter/1/7").status, 204u);
    EXPECT_EQ(client.request("PUT", "/counter/2/7").status, 409u);
    EXPECT_EQ(sql("select value from public.counter where id = 2").at(0).at(0), "-2");
}

TEST_F(ConsistencyTest, SwitchedOffItIsNeitherGivenNorLookedAt) {
    Instance instance{write_config("consistency: off\n"), environment_};
    HttpClient client{instance.port()};
    EXPECT_EQ(token_of(client.request("PUT", "/counter/1/7")), "none");
    EXPECT_EQ(client.request("GET", "/plain/1", "", field("made-up")).status, 200u);
}

}  // namespace sluice::test

// Commits that others see before they are written to the log's file (synchronous_commit = off). A standby cannot have them
// yet. And when one backend is killed they are lost: PostgreSQL restarts by itself, with the same start time and timeline,
// and gives out their transaction ids again, though copies that were made before say that they contain these.
#include "support/http_client.hpp"
#include "support/private_stack.hpp"
#include "support/process.hpp"

#include "postgres/connection/connection.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

const std::string config_text = R"(
server: { listen: 127.0.0.1:0, admin: 127.0.0.1:0, threads: 1 }
postgres: { primary: "${SLUICE_PG_PRIMARY}", replicas: [ { url: "${SLUICE_PG_REPLICA_1}" } ], pool: 4 }
tables: { lost: { tags: ["lost:{id}"] } }
tiers: { anonymous: { requests: 100000000, window: 60s } }
routes:
  GET /lost/{id}:
    params: { id: integer }
    result: one
    sql: select v from lost where id = :id
    cache: { ttl: 1h, tags: ["lost:{id}"] }
)";

class UnwrittenCommits : public ::testing::Test {
protected:
    void SetUp() override {
        stack.up();
        run("drop table if exists lost; create table lost (id int primary key, v int);"
            " insert into lost select i, 0 from generate_series(1, 30) i");
        config = directory.write("api.yaml", config_text);
        const auto migrated = run_command({sluice_program(), "migrate", "--config", config.string()}, environment);
        ASSERT_EQ(migrated.exit_code, 0) << migrated.err;
        as_super("alter system set wal_writer_delay = '10s'");
        as_super("select pg_reload_conf()");
    }
    void TearDown() override {
        as_super("alter system reset wal_writer_delay");
        as_super("select pg_reload_conf()");
    }

    std::string run_at(const std::string& url, const std::string& sql) {
        postgres::Watchdog watchdog;
        const auto limit = Clock::now() + 60s;
        postgres::Connection connection{url, watchdog, limit};
        const auto rows = connection.execute(sql, limit);
        return rows.empty() ? "" : rows.front().at(0).value_or("");
    }
    std::string run(const std::string& sql) { return run_at(stack.env("SLUICE_PG_PRIMARY"), sql); }
    void as_super(const std::string& sql) { run_at(stack.env("SLUICE_PG_SUPER"), sql); }

    void crash() {
        postgres::Watchdog watchdog;
        postgres::Connection victim{stack.env("SLUICE_PG_PRIMARY"), watchdog, Clock::now() + 60s};
        ASSERT_EQ(::kill(victim.backend(), SIGKILL), 0);
        ASSERT_TRUE(eventually([&] { return !victim.usable(); }));
        ASSERT_TRUE(eventually([&] {
            try {
                return run("select 'up'") == "up";
            } catch (const std::exception&) {
                return false;
            }
        }));
    }

    bool written() { return run("select pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn()") == "t"; }
    /// Of row `id`, so that for some seconds others see it and the log's file does not have it.
    std::string write_unwritten(int id) {
        return run("set synchronous_commit = off; update lost set v = v + 1 where id = " + std::to_string(id) +
                   " returning pg_current_xact_id()::text");
    }
    /// Twenty, and hardly any log: a page that is full is written.
    void use_up_ids() {
        std::string transactions = "set synchronous_commit = off";
        for (int i = 0; i < 20; ++i) transactions += "; begin; select pg_current_xact_id(); commit";
        run(transactions);
    }
    /// The log's writer, once woken by a commit, sleeps for ten seconds.
    void put_writer_to_sleep() {
        write_unwritten(30);
        // It takes two of its rounds where something else has written behind that.
        ASSERT_TRUE(eventually([&] { return written(); }, 60s));
    }

    /// How many fresh answers of row 1 lack the version, of those asked for from 500 ms after it was written on.
    static int outdated(HttpClient& client, const std::string& version, TimePoint answered) {
        int count = 0;
        int asked = 0;
        for (auto now = Clock::now(); now < answered + 3s || asked == 0; now = Clock::now()) {
            const auto answer = client.request("GET", "/lost/1");
            const bool stale = answer.header("Cache-Status").value_or("").find("stale") != std::string::npos;
            if (now - answered <= 500ms || answer.status != 200 || stale) continue;
            ++asked;
            if (answer.body.find("\"v\":" + version) == std::string::npos) ++count;
        }
        std::printf("%d of %d answers outdated\n", count, asked);
        return count;
    }
    bool hits(HttpClient& client, const std::string& version) {
        return eventually([&] {
            const auto answer = client.request("GET", "/lost/1");
            return answer.header("Cache-Status").value_or("").find("detail=l1") != std::string::npos &&
                   answer.body.find("\"v\":" + version) != std::string::npos;
        });
    }
    std::unique_ptr<Instance> start(const std::string& planted) {
        environment["SLUICE_PLANTED"] = planted;
        return std::make_unique<Instance>(config, environment, planted.empty() ? "" : SLUICE_FRESHNESS_DRIVER);
    }

    int outdated_after_crash(const std::string& planted) {
        const auto instance = start(planted);
        HttpClient client{instance->port()};
        for (int attempt = 0; attempt < 4; ++attempt) {
            run("update lost set v = 0");
            put_writer_to_sleep();
            const auto lost = std::stoull(write_unwritten(1));
            use_up_ids();
            EXPECT_TRUE(hits(client, "1"));
            crash();
            if (run("select v::text from lost where id = 1") != "0") continue;  // somebody has written the log meanwhile
            const auto again = std::stoull(run("update lost set v = 2 where id = 1 returning pg_current_xact_id()::text"));
            std::printf("transaction %llu was lost, %llu was given out after\n", lost, again);
            EXPECT_LT(again, lost + 20) << "no id was given out twice, which tests nothing";
            return outdated(client, "2", Clock::now());
        }
        ADD_FAILURE() << "nothing was lost, which tests nothing";
        return 0;
    }

    int outdated_on_standby(const std::string& planted) {
        const auto instance = start(planted);
        HttpClient client{instance->port()};
        EXPECT_TRUE(hits(client, "0"));
        put_writer_to_sleep();
        write_unwritten(1);
        const auto count = outdated(client, "1", Clock::now());
        EXPECT_FALSE(written()) << "the log was written meanwhile, which tests nothing";
        return count;
    }

    PrivateStack& stack = PrivateStack::instance();
    // The program needs no more of it.
    Environment environment{{"SLUICE_PG_PRIMARY", stack.env("SLUICE_PG_PRIMARY")},
                            {"SLUICE_PG_REPLICA_1", stack.env("SLUICE_PG_REPLICA_1")}};
    TemporaryDirectory directory;
    std::filesystem::path config;
};

}  // namespace

TEST_F(UnwrittenCommits, ACrashOfOneBackendEndsAHistory) { EXPECT_EQ(outdated_after_crash(""), 0); }

TEST_F(UnwrittenCommits, WithoutItsTokenACrashIsFoundOut) { EXPECT_GT(outdated_after_crash("incarnation"), 0); }

TEST_F(UnwrittenCommits, AStandbyIsNotTakenToHaveThem) { EXPECT_EQ(outdated_on_standby(""), 0); }

TEST_F(UnwrittenCommits, WithTheWrittenPartOfTheLogAloneItIsFoundOut) { EXPECT_GT(outdated_on_standby("insert_lsn"), 0); }

}  // namespace sluice::test

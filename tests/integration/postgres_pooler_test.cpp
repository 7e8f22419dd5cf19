// Behind a pgbouncer that gives each transaction another server connection.
#include "postgres/connection/pooler.hpp"
#include "postgres/pool/statement_check.hpp"
#include "postgres/schema/change_feed.hpp"
#include "postgres/schema/key_store.hpp"
#include "postgres/schema/schema.hpp"
#include "support/pgbouncer.hpp"
#include "support/postgres_fixture.hpp"
#include "support/run.hpp"

#include <boost/asio/co_spawn.hpp>

#include <atomic>
#include <future>

namespace sluice::test {

using namespace std::chrono_literals;

class PostgresPooler : public PoolTest {
protected:
    static CommandResult sluice(const std::string& command, const std::filesystem::path& config) {
        return run_command({sluice_program(), command, "--config", config.string()});
    }

    /// What a server connection is left with, of as many as there are.
    void expect_nothing_left() {
        postgres::Watchdog watchdog;
        const auto limit = Clock::now() + 60s;
        std::vector<std::unique_ptr<postgres::Connection>> all;
        for (unsigned i = 0; i < server_connections; ++i) {
            all.push_back(std::make_unique<postgres::Connection>(pooler.url(), watchdog, limit));
            const auto rows = all.back()->execute(
                "begin; select (select count(*) from pg_prepared_statements)::text, current_setting('statement_timeout'),"
                " current_setting('default_transaction_read_only'), current_setting('extra_float_digits'),"
                " current_setting('enable_seqscan'), current_setting('plan_cache_mode'),"
                " (select count(*) from pg_locks where locktype = 'advisory')::text",
                limit);
            EXPECT_EQ(rows, (postgres::Rows{{"0", "0", "off", "1", "on", "auto", "0"}}));
        }
    }

    static constexpr unsigned server_connections = 4;
    PgBouncer pooler{primary, "transaction", server_connections};
    const std::string through = postgres::behind_pooler(pooler.url());
};

TEST_F(PostgresPooler, IsFoundOutUnlessTheAddressSaysSo) {
    EXPECT_TRUE(postgres::find_pooler(pooler.url()));
    EXPECT_FALSE(postgres::find_pooler(through));
    EXPECT_FALSE(postgres::find_pooler(primary));
    const PgBouncer keeps_sessions{primary, "session", server_connections};
    EXPECT_FALSE(postgres::find_pooler(keeps_sessions.url()));
    EXPECT_THROW(postgres::find_pooler("postgresql://127.0.0.1:1/none"), postgres::ConnectionLost);
}

TEST_F(PostgresPooler, NobodyServesBehindOneThatTheConfigurationDoesNotName) {
    const TemporaryDirectory directory;
    const auto config = [&](const std::string& more) {
        return directory.write("sluice.yaml",
                               "server: { listen: 127.0.0.1:0, admin: '' }\npostgres:\n  primary: " + pooler.url() + more +
                                   "\nroutes:\n  GET /things:\n    sql: select id from thing order by id\n");
    };
    for (const auto* command : {"check", "serve"}) {
        const auto refused = sluice(command, config(""));
        EXPECT_EQ(refused.exit_code, 1);
        EXPECT_NE(refused.err.find("set 'pooler: transaction' in 'postgres'"), std::string::npos) << refused.err;
        EXPECT_EQ(refused.err.find('\n'), refused.err.size() - 1) << "one line: " << refused.err;
    }
    EXPECT_EQ(sluice("check", config("\n  pooler: transaction")).exit_code, 0);
    const auto wrong = sluice("check", config("\n  pooler: transactoin"));
    EXPECT_NE(wrong.err.find(":4:"), std::string::npos) << wrong.err;
    EXPECT_NE(wrong.err.find("transaction"), std::string::npos) << wrong.err;
}

// Two configurations: what one calls by a number is another statement to the other.
TEST_F(PostgresPooler, TwoConfigurationsHaveTheirOwnAnswersOverTheSameConnections) {
    sql("create table if not exists counted (who text, n bigint, unique (who, n)); truncate counted");
    struct Configuration {
        std::unique_ptr<postgres::ReplicaPool> pool;
        StatementId text{}, untyped{}, labelled{}, write{}, once{};
    };
    std::array<Configuration, 2> both;
    for (std::size_t i = 0; i < both.size(); ++i) {
        auto& [made, text, untyped, labelled, write, once] = both[i];
        const std::string who = i == 0 ? "first" : "second";
        PostgresSettings behind;
        behind.primary = through;
        behind.pool = 8;
        behind.timeout = 20s;
        made = std::make_unique<postgres::ReplicaPool>(behind, metrics);
        const auto read = [&, &pool = *made](const std::string& sql) { return pool.add(spec(sql, ResultShape::one, true)); };
        text = read("select '" + who + "' as who, :name::text as name");
        untyped = read("select '" + who + "' as who, :name is null as none, 0.1::float8 + 0.2::float8 as sum");
        auto with_label = spec("select '" + who + "' as who, name from thing where id = :id", ResultShape::one, true);
        with_label.labelled = true;
        labelled = made->add(with_label);
        write = made->add(spec("insert into counted values ('" + who + "', :id) returning who, n", ResultShape::one, false));
        once = made->add(spec("insert into counted values ('once " + who + "', :id) returning n", ResultShape::one, false));
        made->start();
    }

    std::atomic<unsigned> right{0};
    const auto use = [&](std::size_t which) {
        auto& of = both[which];
        const std::string who = which == 0 ? "first" : "second";
        boost::asio::io_context mine{1};
        for (int round = 0; round < 90; ++round) {
            std::vector<std::pair<Query, std::string>> asked;
            const auto add = [&](StatementId id, std::vector<std::optional<std::string>> values, const std::string& json) {
                Query query;
                query.statement = id;
                query.values = std::move(values);
                query.values.resize(5);
                asked.emplace_back(std::move(query), json);
                return &asked.back().first;
            };
            asked.reserve(10);
            const auto n = std::to_string(round);
            add(of.text, {{}, "x" + n}, R"({"who":")" + who + R"(","name":"x)" + n + R"("})");
            add(of.untyped, {{}, "y"}, R"({"who":")" + who + R"(","none":false,"sum":0.30000000000000004})");
            add(of.untyped, {}, R"({"who":")" + who + R"(","none":true,"sum":0.30000000000000004})");
            add(of.labelled, {"1"}, R"({"who":")" + who + R"(","name":"one"})");
            add(of.labelled, {"9"}, "");
            for (int i = 0; i < 3; ++i) {
                const auto each = std::to_string(3 * round + i);
                add(of.write, {each}, R"({"who":")" + who + R"(","n":)" + each + "}")->invalidates = [n](std::string_view) {
                    return std::vector<std::string>{"n:" + n};
                };
            }
            add(of.text, {{}, {}}, R"({"who":")" + who + R"(","name":null})");
            auto* with_key = add(of.once, {n}, R"({"n":)" + n + "}");
            with_key->idempotency = IdempotencyKey{who, "POST /once", "key-" + n, "00", [](const QueryResult& result) {
                                                       return KeptAnswer{200, result.json};
                                                   }};
            for (auto& [query, json] : asked) {
                boost::asio::co_spawn(mine, of.pool->run(std::move(query), Deadline::after(Clock::now(), 60s)),
                                      [&right, json](std::exception_ptr error, Result result) {
                                          const bool is_right = !error && result && result->json == json;
                                          if (is_right) ++right;
                                          EXPECT_TRUE(is_right) << json << (error || result ? "" : result.error().message)
                                                                << (error || !result ? "" : result->json);
                                      });
            }
            mine.restart();
            mine.run();
        }
    };
    auto other = std::async(std::launch::async, use, 1);
    use(0);
    other.get();
    EXPECT_EQ(right, 1'800U);
    for (auto& each : both) each.pool->stop();
    EXPECT_EQ(sql("select who, count(*)::text from counted group by who order by who"),
              (postgres::Rows{{"first", "270"}, {"once first", "90"}, {"once second", "90"}, {"second", "270"}}));
    EXPECT_EQ(sql("select count(*)::text from sluice.invalidation where name like 'n:%'"), (postgres::Rows{{"540"}}));
    expect_nothing_left();
}

// A server that is asked to end a process which is not its own might end another client's statement.
TEST_F(PostgresPooler, AStatementThatIsLateEndsByItsOwnTimeout) {
    auto behind = settings();
    behind.primary = through;
    behind.replicas.clear();
    behind.timeout = 300ms;
    make(behind);
    const auto sleeps = read("select pg_sleep(600)::text as x", ResultShape::one);
    const auto quick = read("select 1 as x", ResultShape::one);
    start();
    const auto answer = ask(sleeps, {}, 100ms);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, DatabaseError::Kind::timed_out);
    EXPECT_TRUE(eventually(
        [&] { return sql("select count(*)::text from pg_stat_activity where wait_event = 'PgSleep'").at(0).at(0) == "0"; }));
    EXPECT_TRUE(ask(quick));
    pool->stop();
    expect_nothing_left();
}

TEST_F(PostgresPooler, EverybodyElseWhoConnectsIsRightToo) {
    sql("drop schema sluice cascade");
    EXPECT_GT(postgres::migrate(through), 0);
    EXPECT_EQ(postgres::migrations_pending(through), 0);

    postgres::KeyRecord key;
    key.id = "an-id";
    key.name = "a key";
    key.tier = "free";
    EXPECT_TRUE(postgres::insert_key(through, key));
    const auto found = postgres::find_key(through, key.id);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->name, "a key");

    std::atomic<bool> told{false};
    postgres::ChangeFeed::Settings behind;
    behind.url = through;
    postgres::ChangeFeed feed{behind, [&told](const postgres::Poll& poll) {
                                  for (const auto& one : poll.invalidations) {
                                      if (one.name == "thing:7") told = true;
                                  }
                              }};
    feed.start();
    EXPECT_TRUE(eventually([&] { return feed.coherent(); }));
    sql("insert into sluice.invalidation (kind, name) values ('tag', 'thing:7')");
    EXPECT_TRUE(eventually([&] { return told.load(); }));
    feed.stop();

    std::vector<StatementSpec> specs(
        120, spec("select * from thing where id = :id and (:name is null or name = :name)", ResultShape::many, true));
    specs.push_back(spec("select wrong", ResultShape::many, true));
    specs.push_back(spec("select 1, 2", ResultShape::many, true));
    specs.push_back(spec("select name from thing where id = :id", ResultShape::many, true));
    specs.back().collapse = true;
    specs.back().labelled = true;
    specs.push_back(spec("select name from thing where name = :id", ResultShape::many, true));
    const auto problems = postgres::check_statements(through, specs);
    ASSERT_EQ(problems.size(), 4U);
    EXPECT_EQ(problems[0].index, 120U);
    EXPECT_EQ(problems[3].index, 123U);
    expect_nothing_left();
}

}  // namespace sluice::test

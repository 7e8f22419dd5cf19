#include "support/postgres_fixture.hpp"

#include "postgres/schema/feed_query.hpp"
#include "postgres/schema/schema.hpp"
#include "support/run.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

namespace sluice::test {

using namespace std::chrono_literals;

void PostgresTest::SetUp() {
    stack.up();
    sql("drop schema if exists sluice cascade; drop table if exists thing; create table thing (id int primary key, name text"
        " not null unique, price numeric, tags text[]); insert into thing values (1, 'one', 1.10, '{a}'), (2, 'two', null, "
        "'{}')");
    postgres::migrate(primary);
    wait_for_replica();
}

postgres::Rows PostgresTest::sql_at(const std::string& url, const std::string& text) {
    postgres::Watchdog watchdog;
    const auto limit = Clock::now() + 60s;
    postgres::Connection connection{url, watchdog, limit};
    return connection.execute(text, limit);
}

void PostgresTest::wait_for_replica() {
    const auto lsn = sql("select pg_current_wal_lsn()::text").at(0).at(0).value();
    ASSERT_TRUE(eventually(
        [&] { return sql_at(replica, "select pg_last_wal_replay_lsn() >= '" + lsn + "'::pg_lsn").at(0).at(0) == "t"; }));
}

void PoolTest::TearDown() {
    if (pool) pool->stop();
    loop.restart();
    loop.poll();  // what was delivered to waiters that are gone
}

PostgresSettings PoolTest::settings() {
    PostgresSettings made;
    made.primary = primary;
    made.replicas = {{replica, 1}};
    made.pool = 4;
    return made;
}

void PoolTest::make(PostgresSettings made, std::vector<Executor> loops) {
    const auto keep = [this](const auto& invalidations) {
        written.insert(written.end(), invalidations.begin(), invalidations.end());
    };
    pool = std::make_unique<postgres::ReplicaPool>(std::move(made), metrics, keep, std::move(loops));
}

void PoolTest::start() {
    pool->start();
    ASSERT_TRUE(eventually([&] {
        const auto all = pool->status();
        return std::all_of(all.begin(), all.end(), [](const auto& server) { return server.reachable; });
    }));
    poll();
}

void PoolTest::settled() {
    ASSERT_TRUE(eventually([&] {
        const auto all = pool->status();
        return std::all_of(all.begin(), all.end(), [this](const auto& server) {
            return metric(R"(sluice_db_connections{server=")" + server.name + R"(",state="down"} 0)");
        });
    }));
    monitor_at(primary);
    if (pool->status().size() > 1) monitor_at(replica);
}

// Others look as well, but only when a statement of theirs was slow or failed.
std::string PoolTest::monitor_at(const std::string& url) {
    std::map<std::string, std::string> seen;
    std::string found;
    const bool came = eventually([&] {
        const auto looks = sql_at(url,
                                  "select pid::text, query_start::text from pg_stat_activity where application_name ="
                                  " 'sluice' and pid <> pg_backend_pid() and query like '%hashint8%'");
        for (const auto& look : looks) {
            const auto& first = seen.try_emplace(look.at(0).value(), look.at(1).value()).first->second;
            if (first != look.at(1).value()) found = look.at(0).value();
        }
        return !found.empty();
    });
    if (!came) throw std::runtime_error{"no monitor reads the catalog"};
    return found;
}

void PoolTest::poll() {
    postgres::Watchdog watchdog;
    const auto limit = Clock::now() + 60s;
    postgres::Connection connection{primary, watchdog, limit};
    postgres::FeedPosition position;
    try {
        pool->primary_polled(postgres::poll_changes(connection, position, limit));
    } catch (const postgres::SqlError&) {  // no schema
        pool->primary_polled(postgres::poll_log(connection, position, limit));
    }
    sql("select pg_logical_emit_message(true, 'test', '')");  // a commit, with which all that is before it is written
    wait_for_replica();
}

StatementSpec PoolTest::spec(std::string text, ResultShape result, bool read_only) {
    StatementSpec made;
    made.name = read_only ? "GET /test" : "POST /test";
    made.sql = std::move(text);
    made.parameters = {"id", "name", "price", "flag", "list"};
    made.parameter_types = {ParameterType::integer, ParameterType::string, ParameterType::number, ParameterType::boolean,
                            ParameterType::array};
    made.result = result;
    made.read_only = read_only;
    return made;
}

StatementId PoolTest::read(std::string text, ResultShape result) { return pool->add(spec(std::move(text), result, true)); }

StatementId PoolTest::write(std::string text, ResultShape result) { return pool->add(spec(std::move(text), result, false)); }

PoolTest::Result PoolTest::ask(Query query, Duration patience) {
    query.values.resize(5);
    return run(loop, pool->run(std::move(query), Deadline::after(Clock::now(), patience)));
}

PoolTest::Result PoolTest::ask(StatementId statement, std::vector<std::optional<std::string>> values, Duration patience) {
    Query query;
    query.statement = statement;
    query.values = std::move(values);
    return ask(std::move(query), patience);
}

std::vector<PoolTest::Result> PoolTest::ask_all(std::vector<Query> queries, Duration patience) {
    std::vector<std::optional<Result>> results(queries.size());
    std::size_t left = queries.size();
    for (std::size_t i = 0; i < queries.size(); ++i) {
        queries[i].values.resize(5);
        boost::asio::co_spawn(loop.get_executor(), pool->run(std::move(queries[i]), Deadline::after(Clock::now(), patience)),
                              [this, &results, &left, i](std::exception_ptr error, Result result) {
                                  if (!error) results[i].emplace(std::move(result));
                                  if (--left == 0) loop.stop();  // connections of the loop would keep it busy
                              });
    }
    loop.restart();
    loop.run();
    std::vector<Result> all;
    all.reserve(results.size());
    for (auto& result : results) all.push_back(std::move(result).value());
    return all;
}

postgres::ServerStatus PoolTest::status_of(std::string_view server) const {
    for (auto& status : pool->status()) {
        if (status.name == server) return status;
    }
    throw std::logic_error{"no server is called " + std::string{server}};
}

bool PoolTest::metric(const std::string& line) const { return metrics.render().find(line + "\n") != std::string::npos; }

}  // namespace sluice::test

// What the integration tests of the PostgreSQL layer share: the servers, plain SQL on them, and a pool to ask.
#pragma once

#include "postgres/connection/connection.hpp"
#include "postgres/pool/replica_pool.hpp"
#include "support/private_stack.hpp"
#include "support/process.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace sluice::test {

/// Before each test all servers run, and the schema `sluice` and the tables are new.
class PostgresTest : public ::testing::Test {
protected:
    using Result = boost::system::result<QueryResult, DatabaseError>;

    void SetUp() override;

    PrivateStack& stack = PrivateStack::instance();
    const std::string primary = stack.env("SLUICE_PG_PRIMARY");
    const std::string replica = stack.env("SLUICE_PG_REPLICA_1");

    /// On a connection of its own; the last statement's rows.
    postgres::Rows sql(const std::string& text) { return sql_at(primary, text); }
    postgres::Rows sql_at(const std::string& url, const std::string& text);
    /// Until the standby has replayed all that is committed now.
    void wait_for_replica();
};

class PoolTest : public PostgresTest {
protected:
    void TearDown() override;

    PostgresSettings settings();
    /// Makes the pool; statements are added before `start`.
    void make(PostgresSettings settings, std::vector<Executor> loops = {});
    /// Starts it, waits until every server has answered, and polls.
    void start();
    /// Until every connection is there, and each server's monitor has read the catalog: what was prepared before it did so
    /// for the first time is outdated. While nothing is asked, and some statement has a name in it.
    void settled();
    /// Until the server's monitor has read the catalog and come again to do so; its process.
    std::string monitor_at(const std::string& url);
    /// Tells the pool what the primary is like now, as the change feed does; the standby has got as far then.
    void poll();
    /// Its parameters are id, name, price, flag and list, one of each type.
    static StatementSpec spec(std::string text, ResultShape result, bool read_only);
    StatementId read(std::string text, ResultShape result = ResultShape::many);
    StatementId write(std::string text, ResultShape result = ResultShape::none);
    StatementId add(StatementSpec spec) { return pool->add(std::move(spec)); }

    Result ask(Query query, Duration patience = std::chrono::seconds{5});
    Result ask(StatementId statement, std::vector<std::optional<std::string>> values = {},
               Duration patience = std::chrono::seconds{5});
    /// All at once; the results in the order of the queries.
    std::vector<Result> ask_all(std::vector<Query> queries, Duration patience);
    postgres::ServerStatus status_of(std::string_view server) const;
    bool metric(const std::string& line) const;

    std::vector<policy::Invalidation> written;  // what the pool told
    telemetry::Metrics metrics;
    std::unique_ptr<postgres::ReplicaPool> pool;
    boost::asio::io_context loop{1};
};

}  // namespace sluice::test

// What the pool does while a server is dead or frozen, and that it recovers by itself.
#include "postgres/schema/feed_query.hpp"
#include "support/postgres_fixture.hpp"

#include <future>

namespace sluice::test {

using namespace std::chrono_literals;
using Kind = DatabaseError::Kind;
using policy::CircuitBreaker;

class PostgresOutage : public PoolTest {
protected:
    void SetUp() override {
        PoolTest::SetUp();
        auto patient = settings();
        patient.timeout = 600s;  // so that what ends sooner was not ended by this
        make(std::move(patient));
        quick = read("select id from thing where id = 1", ResultShape::one);
        change = write("update thing set name = :name where id = 1");
        slow = read("select pg_sleep(:price)");
        conflicting = read(
            "select count(*) as rows from public.emptied,"
            " pg_sleep(case when pg_is_in_recovery() then 50 else 0 end)",
            ResultShape::one);
        hold = write("select pg_sleep(:price)", ResultShape::one);
        start();
        ASSERT_TRUE(eventually([&] { return metric(R"(sluice_db_connections{server="replica-1",state="down"} 0)"); }))
            << "connections are made before anyone asks";
    }

    StatementId quick{}, change{}, slow{}, conflicting{}, hold{};
};

TEST_F(PostgresOutage, ADeadReplicaIsLeftOutAndComesBack) {
    ASSERT_FALSE(ask(quick)->from_primary);
    stack.kill("replica");
    for (int i = 0; i < 50; ++i) {
        const auto answer = ask(quick);
        // The first may still be answered by a backend that has not noticed its server's death.
        ASSERT_TRUE(answer) << "not one read fails: " << answer.error().message;
    }
    EXPECT_TRUE(eventually([&] { return !status_of("replica-1").reachable; }));
    EXPECT_TRUE(ask(quick)->from_primary);
    EXPECT_TRUE(ask(change, {{}, "written"}));
    stack.up();
    EXPECT_TRUE(eventually([&] { return status_of("replica-1").reachable; }));
    EXPECT_TRUE(eventually([&] {
        const auto answer = ask(quick);
        return answer && !answer->from_primary;
    }));
    EXPECT_TRUE(eventually([&] { return status_of("replica-1").breaker == CircuitBreaker::State::closed; }));
}

TEST_F(PostgresOutage, ReadsGoOnWithoutThePrimaryAndWritesComeBackWithIt) {
    stack.kill("primary");
    // Sessions outlive their postmaster for a moment: they may still write, or end in the midst of a COMMIT.
    ASSERT_TRUE(eventually([&] {
        const auto refused = ask(change, {{}, "lost"});
        return !refused && refused.error().kind == Kind::unavailable;
    }));
    for (int i = 0; i < 20; ++i) {
        const auto answer = ask(quick);
        ASSERT_TRUE(answer) << answer.error().message;
        EXPECT_FALSE(answer->from_primary);
    }
    EXPECT_TRUE(eventually([&] { return !status_of("primary").reachable; }));
    stack.up();
    EXPECT_TRUE(eventually([&] { return ask(change, {{}, "found"}).has_value(); }));
}

TEST_F(PostgresOutage, AFrozenReplicaFreesItsWorkersAndItsReadersAreServedElsewhere) {
    stack.freeze("replica");
    Query query;
    query.statement = slow;
    query.values = {std::nullopt, std::nullopt, "0"};
    for (const auto& result : ask_all(std::vector<Query>(4, query), 200ms)) {
        EXPECT_TRUE(result || result.error().kind != Kind::rejected);
    }
    EXPECT_TRUE(eventually([&] { return !status_of("replica-1").reachable; }));
    EXPECT_TRUE(eventually([&] { return metric(R"(sluice_db_connections{server="replica-1",state="busy"} 0)"); }))
        << "no worker stays stuck";
    const auto answer = ask(quick);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_TRUE(answer->from_primary);
    stack.thaw("replica");
    EXPECT_TRUE(eventually([&] { return status_of("replica-1").reachable; }));
}

TEST_F(PostgresOutage, AReadThatARunningReplicaLeavesUnansweredIsDoneElsewhereLongBeforeItsDeadline) {
    stack.freeze("replica");
    const auto answer = ask(quick, {}, 60s);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_TRUE(answer->from_primary);
    stack.thaw("replica");
    EXPECT_TRUE(eventually([&] { return status_of("replica-1").reachable; }));
    EXPECT_TRUE(eventually([&] {
        const auto again = ask(quick);
        return again && !again->from_primary;
    })) << "its breaker does not stay open for its whole 30 s";
}

TEST_F(PostgresOutage, ACallerIsAnsweredAtItsDeadlineThoughTheServerIsFrozen) {
    stack.freeze("primary");
    for (int i = 0; i < 6; ++i) {
        const auto answer = ask(change, {{}, "x"}, 100ms);
        ASSERT_FALSE(answer);
        EXPECT_NE(answer.error().kind, Kind::rejected);
    }
    EXPECT_TRUE(eventually([&] {
        (void)ask(change, {{}, "x"}, 50ms);
        return status_of("primary").breaker == CircuitBreaker::State::open;
    })) << "a frozen server is a failing one";
    const auto answer = ask(change, {{}, "x"});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Kind::unavailable);
    EXPECT_TRUE(metric(R"(sluice_breaker_state{dependency="primary"} 1)"));
    EXPECT_TRUE(metric(R"(sluice_breaker_transitions_total{dependency="primary",to="open"} 1)"));
    stack.thaw("primary");
}

TEST_F(PostgresOutage, AStopIsPromptWhileServersHang) {
    std::vector<std::optional<Result>> results(2);
    for (std::size_t i = 0; i < results.size(); ++i) {
        Query query;
        query.statement = i == 0 ? slow : hold;
        query.values = {std::nullopt, std::nullopt, "600", std::nullopt, std::nullopt};
        boost::asio::co_spawn(loop.get_executor(), pool->run(std::move(query), Deadline::after(Clock::now(), 600s)),
                              [&results, i](std::exception_ptr, Result result) { results[i].emplace(std::move(result)); });
    }
    loop.restart();
    ASSERT_TRUE(eventually([&] {
        loop.poll();
        return metric(R"(sluice_db_connections{server="replica-1",state="busy"} 1)") &&
               metric(R"(sluice_db_connections{server="primary",state="busy"} 1)");
    }));
    stack.freeze("replica");
    stack.freeze("primary");
    pool->stop();
    loop.restart();
    ASSERT_TRUE(eventually([&] {
        loop.poll();
        return results[0] && results[1];
    }));
    for (const auto& result : results) {
        ASSERT_FALSE(*result);
        EXPECT_EQ(result->error().kind, Kind::unavailable);
    }
    const auto answer = ask(quick);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Kind::unavailable);
}

TEST_F(PostgresOutage, ConnectionsThatTheServerEndedAreMadeAnew) {
    // Asked to end, a backend may live on for a moment: what meets it there is another case than this one.
    const auto end_all =
        "select pg_terminate_backend(pid, 60000) from pg_stat_activity where application_name = 'sluice'"
        " and pid <> pg_backend_pid() and backend_type = 'client backend'";
    for (int i = 0; i < 3; ++i) {
        settled();
        sql(end_all);
        sql_at(stack.env("SLUICE_PG_REPLICA_1_SUPER"), end_all);
        EXPECT_TRUE(ask(change, {{}, "again" + std::to_string(i)})) << "an idle connection's end is seen before it is used";
        EXPECT_TRUE(ask(quick));
    }
}

TEST_F(PostgresOutage, AServerWhoseMonitorIsEndedAsItReadsTheCatalogIsNotAway) {
    const auto super = stack.env("SLUICE_PG_SUPER");
    postgres::Watchdog watchdog;
    const auto limit = Clock::now() + 60s;
    postgres::Connection locker{super, watchdog, limit};
    const auto monitor = monitor_at(primary);
    // Its next survey waits for the lock, and is ended there.
    locker.execute("begin; lock table pg_cast in access exclusive mode", limit);
    locker.execute("do $$ begin loop perform pg_terminate_backend(pid, 60000) from pg_locks where pid = " + monitor +
                       " and not granted; exit when found; perform pg_sleep(0.002); end loop; end $$; rollback",
                   limit);
    EXPECT_TRUE(eventually([&] {
        EXPECT_TRUE(status_of("primary").reachable);
        const auto another = "select count(*)::text from pg_stat_activity where query like '%hashint8%' and pid <> " +
                             monitor + " and pid <> pg_backend_pid()";
        return sql(another).at(0).at(0) != "0";
    }));
}

TEST_F(PostgresOutage, AReadThatHoldsUpTheStandbysReplayIsDoneOnThePrimary) {
    const auto super = stack.env("SLUICE_PG_REPLICA_1_SUPER");
    sql_at(super, "alter system set max_standby_streaming_delay = 0");
    sql_at(super, "select pg_reload_conf()");
    sql("create table if not exists public.emptied (id int); insert into public.emptied values (1)");
    wait_for_replica();
    auto emptying = std::async(std::launch::async, [&] {
        const bool reading = eventually([&] {
            return sql_at(super,
                          "select count(*) from pg_stat_activity where state = 'active' and query like '%emptied%'"
                          " and pid <> pg_backend_pid()")
                       .at(0)
                       .at(0) == "1";
        });
        sql("truncate public.emptied");  // its lock is replayed, and the reader is in its way
        return reading;
    });
    const auto answer = ask(conflicting, {}, 60s);
    EXPECT_TRUE(emptying.get());
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_TRUE(answer->from_primary);
    EXPECT_EQ(answer->json, R"({"rows":0})");
    sql_at(super, "alter system reset max_standby_streaming_delay");
    sql_at(super, "select pg_reload_conf()");
    sql("drop table public.emptied");
}

TEST_F(PostgresOutage, AReplicaFarBehindIsLeftOut) {
    const auto super = stack.env("SLUICE_PG_REPLICA_1_SUPER");
    postgres::Watchdog watchdog;
    const auto limit = Clock::now() + 60s;
    postgres::Connection connection{primary, watchdog, limit};
    postgres::FeedPosition position;
    const auto poll_sent = [&](TimePoint sent) {
        auto polled = postgres::poll_changes(connection, position, limit);
        polled.sent = sent;
        pool->primary_polled(polled);
    };
    sql("insert into thing values (9, 'nine')");
    poll_sent(Clock::now() - 60s);
    wait_for_replica();
    ASSERT_TRUE(eventually([&] { return status_of("replica-1").lag == Duration::zero(); }));
    sql_at(super, "select pg_wal_replay_pause()");
    sql("insert into thing values (10, 'ten')");
    poll_sent(Clock::now());
    EXPECT_TRUE(eventually([&] { return status_of("replica-1").lag > 50s; }));
    EXPECT_TRUE(ask(quick)->from_primary);
    sql_at(super, "select pg_wal_replay_resume()");
    EXPECT_TRUE(eventually([&] { return status_of("replica-1").lag == Duration::zero(); }));
    EXPECT_FALSE(ask(quick)->from_primary);
    EXPECT_TRUE(metric(R"(sluice_replica_lag_seconds{server="replica-1"} 0)"));
}

}  // namespace sluice::test

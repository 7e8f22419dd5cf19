// What a statement says is told apart from what the session says: a statement's error touches its own route alone, and what
// a server refuses to one connection takes nothing from the others.
#include "support/postgres_fixture.hpp"

#include <boost/asio/executor_work_guard.hpp>

#include <map>

namespace sluice::test {

using namespace std::chrono_literals;
using Kind = DatabaseError::Kind;
using policy::CircuitBreaker;

class PostgresHealth : public PoolTest {
protected:
    void SetUp() override {
        PoolTest::SetUp();
        super = stack.env("SLUICE_PG_SUPER");
        sql("create or replace function public.fail_with(state text) returns int language plpgsql as"
            " $$ begin raise exception using errcode = state, message = 'made up'; end $$");
    }
    void TearDown() override {
        PoolTest::TearDown();
        sql_at(super, "alter system reset default_transaction_read_only");
        sql_at(super, "select pg_reload_conf()");
        sql_at(super, "alter role sluice connection limit -1");
        sql("drop function if exists public.fail_with(text) cascade");
    }

    /// Many calls, so many at a time.
    std::vector<Result> ask_often(StatementId statement, std::size_t calls, std::size_t at_a_time, const std::string& name,
                                  Duration patience = 5s) {
        std::vector<Result> all;
        while (all.size() < calls) {
            Query query;
            query.statement = statement;
            query.values = {std::nullopt, name};
            for (auto& result : ask_all(std::vector<Query>(at_a_time, query), patience)) all.push_back(std::move(result));
        }
        return all;
    }
    std::string backends() {
        return sql_at(super,
                      "select coalesce(string_agg(pid::text, ' ' order by pid), '') from pg_stat_activity"
                      " where application_name = 'sluice' and usename = 'sluice'")
            .at(0)
            .at(0)
            .value();
    }

    std::string super;
};

// Situations S7, and any SQLSTATE that a function, a trigger or a foreign server may raise.
TEST_F(PostgresHealth, AStatementsErrorTouchesItsOwnRouteAloneWhateverItsSqlstate) {
    sql_at(super,
           "create extension if not exists postgres_fdw; drop server if exists gone cascade;"
           " create server gone foreign data wrapper postgres_fdw options (host '127.0.0.1', port '1');"
           " create user mapping for public server gone options (user 'x', password 'y');"
           " create foreign table public.far_away (id int) server gone; grant select on public.far_away to sluice");
    auto with = settings();
    with.replicas.clear();
    make(std::move(with), {loop.get_executor()});
    const auto far = read("select id from public.far_away");
    const auto fail = read("select public.fail_with(:name) as it");
    const auto fail_to_write = write("select public.fail_with(:name) as it", ResultShape::one);
    const auto fine = read("select 1 as it", ResultShape::one);
    const auto change = write("update thing set price = 2 where id = 1");
    start();
    for (int i = 0; i < 12; ++i) {
        ASSERT_TRUE(ask(fine));
        ASSERT_TRUE(ask(change));
    }
    const auto before = backends();
    for (int i = 0; i < 8; ++i) {
        const auto answer = ask(far);
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().kind, Kind::rejected);
        EXPECT_EQ(answer.error().sqlstate, "08001");
    }
    for (const std::string state :
         {"08000", "08001", "08003", "08006", "08P01", "25006", "28000", "3D000", "53000", "53100", "53200", "53300",
          "55P03", "57000", "57P01", "57P02", "57P03", "57P05", "58000", "58030", "HV00N", "XX000", "XX001"}) {
        for (const auto& statement : {fail, fail_to_write}) {
            for (const auto& answer : ask_often(statement, 8, 4, state)) {
                ASSERT_FALSE(answer);
                EXPECT_EQ(answer.error().kind, Kind::rejected) << state;
                EXPECT_EQ(answer.error().sqlstate, state);
            }
        }
        EXPECT_TRUE(ask(fine)) << state;
        EXPECT_TRUE(ask(change)) << state;
        EXPECT_EQ(status_of("primary").breaker, CircuitBreaker::State::closed) << state;
    }
    EXPECT_EQ(backends(), before) << "every session has gone on";
    sql_at(super, "drop server gone cascade");
}

// Situation S9.
TEST_F(PostgresHealth, AConnectionLimitShrinksThePoolToWhatThereIs) {
    sql_at(super, "alter role sluice connection limit 5");
    auto with = settings();
    with.replicas.clear();
    with.pool = 8;
    make(std::move(with), {loop.get_executor()});
    const auto fine = read("select 1 as it, pg_sleep(0.002)", ResultShape::one);
    const auto change = write("update thing set price = 2 where id = 1");
    pool->start();
    ASSERT_TRUE(eventually([&] { return status_of("primary").reachable; }));
    for (int round = 0; round < 8; ++round) {
        for (const auto& statement : {fine, change}) {
            for (const auto& answer : ask_often(statement, 16, 16, "x", 20s)) EXPECT_TRUE(answer) << answer.error().message;
        }
        EXPECT_EQ(status_of("primary").breaker, CircuitBreaker::State::closed);
        EXPECT_TRUE(status_of("primary").reachable);
    }
    sql_at(super, "alter role sluice connection limit -1");
    EXPECT_TRUE(eventually(
        [&] {
            ask(fine);
            return metric(R"(sluice_db_connections{server="primary",state="down"} 0)");
        },
        40s))
        << "it is tried again";
}

// Situation O4.
TEST_F(PostgresHealth, AServerThatRefusedEverybodyIsBackWithItsFirstConnection) {
    auto with = settings();
    with.replicas.clear();
    make(std::move(with));
    const auto fine = read("select 1 as it", ResultShape::one);
    start();
    ASSERT_TRUE(ask(fine));
    sql_at(super, "alter role sluice connection limit 0");
    const auto end_all = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'sluice'";
    ASSERT_TRUE(eventually([&] {
        sql_at(super, end_all);
        ask(fine, {}, 200ms);
        return status_of("primary").breaker == CircuitBreaker::State::open;
    }));
    EXPECT_TRUE(eventually([&] { return metric(R"(sluice_dependency_up{dependency="primary"} 0)"); }));
    sql_at(super, "alter role sluice connection limit -1");
    EXPECT_TRUE(eventually([&] { return ask(fine).has_value(); }, 10s)) << "the breaker would stay open for 30 s";
    EXPECT_TRUE(eventually([&] { return status_of("primary").breaker == CircuitBreaker::State::closed; }, 10s));
    EXPECT_TRUE(eventually([&] { return metric(R"(sluice_dependency_up{dependency="primary"} 1)"); }));
}

// Situation S21: what the server refuses, not the statement.
TEST_F(PostgresHealth, APrimaryThatTakesNoWritesIsToldAndReadsGoOn) {
    auto with = settings();
    with.replicas.clear();
    make(std::move(with));
    const auto fine = read("select 1 as it", ResultShape::one);
    const auto change = write("update thing set price = 2 where id = 1");
    const auto own = write("select public.fail_with('25006') as it", ResultShape::one);
    start();
    ASSERT_TRUE(ask(change));
    sql_at(super, "alter system set default_transaction_read_only = on");
    sql_at(super, "select pg_reload_conf()");
    ASSERT_TRUE(eventually([&] { return !status_of("primary").takes_writes; }));
    for (int i = 0; i < 12; ++i) {
        const auto answer = ask(change);
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().kind, Kind::unavailable);
        EXPECT_TRUE(ask(fine));
    }
    EXPECT_EQ(status_of("primary").breaker, CircuitBreaker::State::closed);
    sql_at(super, "alter system reset default_transaction_read_only");
    sql_at(super, "select pg_reload_conf()");
    EXPECT_TRUE(eventually([&] { return ask(change).has_value(); }));
    EXPECT_TRUE(eventually([&] { return status_of("primary").takes_writes; }));
    const auto answer = ask(own);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Kind::rejected) << "the statement says so, not the server";
}

TEST_F(PostgresHealth, AWriteWhoseSessionIsEndedBeforeItsCommitIsDoneOnce) {
    sql("drop sequence if exists public.tries; create sequence public.tries;"
        " create or replace function public.end_first() returns int language plpgsql security definer as $$ begin"
        " if nextval('public.tries') = 1 then perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(10); end if;"
        " update thing set price = coalesce(price, 0) + 1 where id = 2; return 1; end $$");
    make(settings());
    const auto change = write("select public.end_first() as it", ResultShape::one);
    start();
    const auto answer = ask(change);
    EXPECT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(sql("select price::text from thing where id = 2").at(0).at(0), "1");
    sql("drop function public.end_first(); drop sequence public.tries");
}

// Those that are idle die the moment they are used, each of them.
TEST_F(PostgresHealth, WhatLosesADyingConnectionIsRepeatedOnANewOne) {
    auto with = settings();
    with.replicas.clear();
    with.timeout = 600s;
    make(std::move(with));
    const std::string dies =
        "select case when pg_backend_pid() = any(string_to_array(:name, ' ')::int[]) and"
        " pg_terminate_backend(pg_backend_pid()) then pg_sleep(600)::text else 'new' end as it";
    const auto dying_read = read(dies, ResultShape::one);
    const auto dying_write = write(dies, ResultShape::one);
    start();
    for (const auto& statement : {dying_write, dying_read}) {
        settled();
        const auto pids = sql("select string_agg(pid::text, ' ') from pg_stat_activity where application_name = 'sluice'");
        const auto answer = ask(statement, {{}, pids.at(0).at(0)}, 60s);
        ASSERT_TRUE(answer) << answer.error().message;
        EXPECT_EQ(answer->json, R"({"it":"new"})");
    }
    EXPECT_EQ(status_of("primary").breaker, CircuitBreaker::State::closed);
}

// Situation O3.
TEST_F(PostgresHealth, ADeadReplicaIsSeenInTheMetrics) {
    make(settings());
    const auto fine = read("select 1 as it", ResultShape::one);
    start();
    ASSERT_TRUE(ask(fine));
    EXPECT_TRUE(metric(R"(sluice_dependency_up{dependency="replica-1"} 1)"));
    stack.kill("replica");
    EXPECT_TRUE(eventually([&] {
        return metric(R"(sluice_dependency_up{dependency="replica-1"} 0)") &&
               metric(R"(sluice_db_connections{server="replica-1",state="idle"} 0)");
    })) << metrics.render();
    EXPECT_TRUE(metric(R"(sluice_dependency_up{dependency="primary"} 1)"));
    stack.up();
    EXPECT_TRUE(eventually([&] { return metric(R"(sluice_dependency_up{dependency="replica-1"} 1)"); }));
}

// Situation O5.
TEST_F(PostgresHealth, ALockedTableLeavesTheOthersAlone) {
    sql("drop table if exists public.locked, public.other; create table public.locked (id int primary key, n int);"
        " create table public.other (id int primary key, n int);"
        " insert into public.locked values (1, 0); insert into public.other values (1, 0)");
    auto with = settings();
    with.replicas.clear();
    with.pool = 8;
    make(std::move(with), {loop.get_executor()});
    const std::map<std::string, StatementId> of_locked{
        {"read", read("select n from public.locked where id = 1", ResultShape::one)},
        {"another read", read("select count(*) as n from public.locked", ResultShape::one)},
        {"write", write("update public.locked set n = n + 1 where id = 1")},
        {"another write", write("insert into public.locked values (2, 0) on conflict do nothing")}};
    const auto other_read = read("select n from public.other where id = 1", ResultShape::one);
    const auto other_write = write("update public.other set n = n + 1 where id = 1");
    start();
    for (const auto& [name, statement] : of_locked) ASSERT_TRUE(ask(statement)) << name;
    for (const auto& statement : {other_read, other_write}) ASSERT_TRUE(ask(statement));
    postgres::Watchdog watchdog;
    postgres::Connection locker{primary, watchdog, Clock::now() + 60s};
    locker.execute("begin; lock table public.locked", Clock::now() + 60s);
    int stuck = 0;
    for (const auto& [name, statement] : of_locked) {
        for (int i = 0; i < 20; ++i) {
            ++stuck;
            Query query;
            query.statement = statement;
            query.values.resize(5);
            boost::asio::co_spawn(loop.get_executor(), pool->run(std::move(query), Deadline::after(Clock::now(), 60s)),
                                  [&stuck](std::exception_ptr, Result) { --stuck; });
        }
    }
    for (int i = 0; i < 50; ++i) {
        const auto read_answer = ask(other_read, {}, 20s);
        EXPECT_TRUE(read_answer) << read_answer.error().message;
        const auto write_answer = ask(other_write, {}, 20s);
        EXPECT_TRUE(write_answer) << write_answer.error().message;
    }
    EXPECT_GT(stuck, 0) << "the lock is still held";
    EXPECT_TRUE(metrics.render().find("sluice_queue_length{pool=\"primary:write\"}") != std::string::npos);
    locker.execute("rollback", Clock::now() + 60s);
    EXPECT_TRUE(eventually([&] {
        loop.restart();
        loop.poll();
        return stuck == 0;
    }));
    sql("drop table public.locked, public.other");
}

}  // namespace sluice::test

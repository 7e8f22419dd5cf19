// Queries through the pool while every server is well.
#include "postgres/schema/feed_query.hpp"
#include "support/postgres_fixture.hpp"

namespace sluice::test {

using namespace std::chrono_literals;
using Kind = DatabaseError::Kind;

class PostgresQuery : public PoolTest {};

TEST_F(PostgresQuery, RendersOneManyAndNone) {
    make(settings());
    const auto one = read("select id, name, price from thing where id = :id", ResultShape::one);
    const auto many = read("select id from thing where id >= :id order by id -- newest last", ResultShape::many);
    const auto none = write("update thing set name = :name where id = :id");
    const auto returned = write("update thing set price = :price where id = :id returning id, price", ResultShape::one);
    const auto all = write("delete from thing returning id", ResultShape::many);
    start();

    auto answer = ask(one, {"1"});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->json, R"({"id":1,"name":"one","price":1.10})");
    EXPECT_TRUE(answer->found);
    EXPECT_FALSE(answer->from_primary);
    EXPECT_FALSE(answer->label);

    answer = ask(one, {"7"});
    ASSERT_TRUE(answer);
    EXPECT_FALSE(answer->found);
    EXPECT_EQ(answer->json, "");

    EXPECT_EQ(ask(many, {"1"})->json, "[{\"id\":1}, \n {\"id\":2}]");
    EXPECT_EQ(ask(many, {"7"})->json, "[]");

    answer = ask(none, {"1", "first"});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_TRUE(answer->from_primary);
    EXPECT_EQ(answer->json, "");
    EXPECT_EQ(sql("select name from thing where id = 1").at(0).at(0), "first");

    EXPECT_EQ(ask(returned, {"2", std::nullopt, "12345678901234567890.50"})->json,
              R"({"id":2,"price":12345678901234567890.50})");
    EXPECT_FALSE(ask(returned, {"7"})->found);
    EXPECT_EQ(ask(all)->json, "[{\"id\":1}, \n {\"id\":2}]");
    EXPECT_EQ(ask(all)->json, "[]");
    EXPECT_TRUE(eventually([&] { return metric(R"(sluice_db_connections{server="primary",state="busy"} 0)"); }));
}

TEST_F(PostgresQuery, BindsTypedParametersNullsAndArrays) {
    make(settings());
    const auto optional = read(
        "select id from thing where (:name is null or name = :name) and (:id is null or id = :id)"
        " and (:price is null or price > :price) and (:flag is null or :flag) order by id");
    const auto array = read("select name from thing where id = any(:list) order by id");
    const auto texts =
        read("select :list is null as none, cardinality(:list::text[]) as n, (:list::text[])[1] as first", ResultShape::one);
    const auto same = read("select :name as name", ResultShape::one);
    start();
    EXPECT_EQ(ask(optional)->json, "[{\"id\":1}, \n {\"id\":2}]");
    EXPECT_EQ(ask(optional, {std::nullopt, "two"})->json, R"([{"id":2}])");
    EXPECT_EQ(ask(optional, {"1", std::nullopt, "1.05", "true"})->json, R"([{"id":1}])");
    EXPECT_EQ(ask(optional, {std::nullopt, std::nullopt, std::nullopt, "false"})->json, "[]");
    EXPECT_EQ(ask(array, {{}, {}, {}, {}, "{2,1,9}"})->json, "[{\"name\":\"one\"}, \n {\"name\":\"two\"}]");
    EXPECT_EQ(ask(array)->json, "[]");
    EXPECT_EQ(ask(texts, {{}, {}, {}, {}, R"({"a,\"b","c"})"})->json, R"({"none":false,"n":2,"first":"a,\"b"})");
    EXPECT_EQ(ask(texts)->json, R"({"none":true,"n":null,"first":null})");
    EXPECT_EQ(ask(same, {{}, "x'); drop table thing; --"})->json, R"({"name":"x'); drop table thing; --"})");
}

TEST_F(PostgresQuery, TellsPostgresErrorsByTheirState) {
    make(settings());
    const auto insert = write("insert into thing (id, name) values (:id, :name)");
    const auto divide = read("select 1 / :id as x");
    const auto missing = read("select * from no_such_table");
    const auto syntax = read("select from where");
    const auto modifies = read("with gone as (delete from thing returning id) select * from gone");
    const auto locks = read("select id from thing for update");
    start();
    const auto state = [&](StatementId id, std::vector<std::optional<std::string>> values = {}) {
        const auto answer = ask(id, std::move(values));
        EXPECT_FALSE(answer);
        if (answer) return std::string{};
        EXPECT_EQ(answer.error().kind, Kind::rejected) << answer.error().message;
        return answer.error().sqlstate;
    };
    EXPECT_EQ(state(insert, {"1", "three"}), "23505");
    EXPECT_EQ(state(insert, {"3", std::nullopt}), "23502");
    EXPECT_EQ(state(insert, {"three", "three"}), "22P02");
    EXPECT_EQ(state(divide, {"0"}), "22012");
    EXPECT_EQ(state(missing), "42P01");
    EXPECT_EQ(state(syntax), "42601");
    EXPECT_EQ(state(modifies), "0A000");
    EXPECT_EQ(state(locks), "25006");
    EXPECT_TRUE(ask(insert, {"3", "three"})) << "an error leaves the connection well";
    for (const auto& server : pool->status()) {
        EXPECT_EQ(server.breaker, policy::CircuitBreaker::State::closed) << "none of this is the server's fault";
    }
}

TEST_F(PostgresQuery, AColumnMayGetAnotherTypeUnderAPreparedRead) {
    make(settings());
    const auto thing = read("select id, name from thing where id = :id", ResultShape::one);
    start();
    for (int i = 0; i < 8; ++i) EXPECT_EQ(ask(thing, {"1"})->json, R"({"id":1,"name":"one"})");
    sql("alter table thing alter column id type text");
    wait_for_replica();
    for (int i = 0; i < 8; ++i) {
        const auto answer = ask(thing, {"1"});
        ASSERT_TRUE(answer) << answer.error().message;
        EXPECT_EQ(answer->json, R"({"id":"1","name":"one"})");
    }
}

TEST_F(PostgresQuery, EveryErrorHasItsState) {
    sql("create or replace function fail(state text) returns int language plpgsql as $$ begin"
        "  raise exception 'so it is' using errcode = state; end $$");
    wait_for_replica();
    make(settings());
    const auto fail = read("select fail(:name) as x");
    start();
    for (const std::string state :
         {"0A000", "22000", "22012", "23000", "23001", "23502", "23503", "23505", "23514", "23P01", "24000", "26000",
          "28000", "2D000", "34000", "3D000", "40001", "40P01", "42501", "42601", "42703", "42883", "42P01", "42P02",
          "53000", "53100", "53200", "54000", "55000", "55P03", "P0001", "P0002", "P0003", "XX000", "ZZ999"}) {
        const auto answer = ask(fail, {std::nullopt, state});
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().sqlstate, state) << answer.error().message;
        EXPECT_EQ(answer.error().kind, Kind::rejected) << state;
    }
    EXPECT_EQ(status_of("replica-1").breaker, policy::CircuitBreaker::State::closed);
}

TEST_F(PostgresQuery, TheServerCancelsWhatTakesLongerThanTheDeadline) {
    make(settings());
    const auto slow = read("select pg_sleep(:price)");
    const auto slow_write = write("select pg_sleep(:price)", ResultShape::one);
    const auto quick = read("select 1 as x");
    start();
    for (const auto& id : {slow, slow_write}) {
        const auto answer = ask(id, {{}, {}, "600"}, 100ms);
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().kind, Kind::timed_out);
    }
    EXPECT_TRUE(eventually([&] {
        return sql("select count(*) from pg_stat_activity where query like '%pg_sleep%' and pid <> pg_backend_pid()"
                   " and state <> 'idle'")
                       .at(0)
                       .at(0) == "0" &&
               metric(R"(sluice_db_connections{server="replica-1",state="busy"} 0)") &&
               metric(R"(sluice_db_connections{server="primary",state="busy"} 0)");
    })) << "the workers are free again";
    EXPECT_TRUE(ask(quick));
    EXPECT_EQ(status_of("replica-1").breaker, policy::CircuitBreaker::State::closed);
}

TEST_F(PostgresQuery, WhoCouldNotBeAnsweredInTimeIsOverloaded) {
    auto small = settings();
    small.pool = 1;
    make(small);
    const auto slow = read("select pg_sleep(0.02)");
    start();
    Query query;
    query.statement = slow;
    ASSERT_TRUE(ask(slow)) << "from then on it is known how long it takes";
    const auto results = ask_all(std::vector<Query>(200, query), 1s);
    const auto overloaded = std::count_if(results.begin(), results.end(), [](const Result& result) {
        return !result && result.error().kind == Kind::overloaded;
    });
    const auto served =
        std::count_if(results.begin(), results.end(), [](const Result& result) { return result.has_value(); });
    EXPECT_GE(overloaded, 100);
    EXPECT_GE(served, 10) << "what was queued is served";
    EXPECT_GE(overloaded + served, 199) << "nobody waits in vain, unless the last one takes longer than they do as a rule";
}

TEST_F(PostgresQuery, ReadsAreReadOnlyOnTheReplicaAndOnThePrimary) {
    sql("create or replace function sneak() returns int language sql volatile as $$ insert into thing values (9, 'nine')"
        " returning id $$");
    wait_for_replica();
    make(settings());
    const auto sneaky = read("select sneak() as id");
    start();
    Query query;
    query.statement = sneaky;
    for (const bool on_primary : {false, true}) {
        query.primary = on_primary;
        const auto answer = ask(query);
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().kind, Kind::rejected);
        EXPECT_EQ(answer.error().sqlstate, "25006");
    }
    EXPECT_EQ(sql("select count(*) from thing where id = 9").at(0).at(0), "0");
}

TEST_F(PostgresQuery, RepeatsTransactionsThatCollide) {
    sql("create or replace function collide(n int, state text) returns int language plpgsql as $$ begin"
        "  if nextval('tries') < n then raise exception 'once more' using errcode = state; end if; return 1; end $$;"
        " drop sequence if exists tries; create sequence tries");
    make(settings());
    const auto collide = write("select collide(:id, :name) as ok", ResultShape::one);
    start();
    for (const std::string state : {"40001", "40P01"}) {
        sql("alter sequence tries restart");
        EXPECT_TRUE(ask(collide, {"3", state}));
        EXPECT_EQ(sql("select last_value from tries").at(0).at(0), "3");
        sql("alter sequence tries restart");
        const auto answer = ask(collide, {"100", state});
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().sqlstate, state);
        EXPECT_EQ(sql("select last_value from tries").at(0).at(0), "4") << "three repeats and no more";
    }
    EXPECT_EQ(status_of("primary").breaker, policy::CircuitBreaker::State::closed);
}

TEST_F(PostgresQuery, WritesRecordWhatTheyInvalidateInTheSameTransaction) {
    make(settings());
    const auto insert = write("insert into thing (id, name) values (:id, :name) returning id, name", ResultShape::one);
    start();
    Query query;
    query.statement = insert;
    query.values = {"5", "five"};
    query.invalidates = [](std::string_view row) {
        return std::vector<std::string>{"thing:5", "row:" + std::string{row}, "odd \"{},\\"};
    };
    ASSERT_TRUE(ask(query));
    ASSERT_EQ(written.size(), 3U);
    EXPECT_EQ(written[1].name, R"(row:{"id":5,"name":"five"})");
    EXPECT_EQ(written[2].name, "odd \"{},\\");
    const auto rows =
        sql("select i.id::text, i.xid::text, i.kind, i.name, i.xid = t.xmin::text::xid8 from sluice.invalidation i,"
            " thing t where t.id = 5 order by i.id");
    ASSERT_EQ(rows.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(rows[i][0], std::to_string(written[i].id));
        EXPECT_EQ(rows[i][1], std::to_string(written[i].xid));
        EXPECT_EQ(rows[i][2], "tag");
        EXPECT_EQ(rows[i][3], written[i].name);
        EXPECT_EQ(rows[i][4], "t") << "the transaction of the change itself";
    }
    EXPECT_FALSE(ask(query)) << "a duplicate";
    EXPECT_EQ(sql("select count(*) from sluice.invalidation").at(0).at(0), "3");
}

TEST_F(PostgresQuery, ALabelIsNoNewerThanWhatWasRead) {
    make(settings());
    StatementSpec spec;
    spec.name = "GET /labelled";
    spec.sql = "select name from thing where id = :id";
    spec.parameters = {"id", "a", "b", "c", "d"};
    spec.parameter_types.assign(5, ParameterType::integer);
    spec.result = ResultShape::one;
    spec.labelled = true;
    const auto labelled = add(spec);
    start();
    Query query;
    query.statement = labelled;
    query.values = {"1"};
    query.primary = true;

    // On the primary it is the snapshot of the read itself.
    postgres::Watchdog watchdog;
    const auto limit = Clock::now() + 60s;
    postgres::Connection open{primary, watchdog, limit};
    const auto running = std::stoull(*open.execute("begin; select pg_current_xact_id()::text", limit).at(0).at(0));
    const auto over =
        std::stoull(*sql("insert into thing values (3, 'three') returning pg_current_xact_id()::text").at(0).at(0));
    auto answer = ask(query);
    ASSERT_TRUE(answer) << answer.error().message;
    ASSERT_TRUE(answer->label);
    EXPECT_NE(answer->label->history, 0U);
    EXPECT_FALSE(answer->label->snapshot.contains(running));
    EXPECT_TRUE(answer->label->snapshot.contains(over));
    const auto history = answer->label->history;

    query.values = {"7"};
    answer = ask(query);
    ASSERT_TRUE(answer);
    EXPECT_FALSE(answer->found);
    EXPECT_TRUE(answer->label) << "that there is nothing is a value as well";

    // On a standby it is that of the newest poll which the standby had reached before.
    query.primary = false;
    poll();
    const auto polled = ask(query);
    ASSERT_TRUE(polled && polled->label);
    EXPECT_FALSE(polled->from_primary);
    EXPECT_EQ(polled->label->history, history);
    EXPECT_TRUE(polled->label->snapshot.contains(over));
    EXPECT_FALSE(polled->label->snapshot.contains(running));
    open.execute("commit", limit);
    wait_for_replica();
    answer = ask(query);
    ASSERT_TRUE(answer && answer->label);
    EXPECT_EQ(answer->label->snapshot, polled->label->snapshot) << "what is newer than the poll nobody has vouched for";
    const auto standby = stack.env("SLUICE_PG_REPLICA_1_SUPER");
    sql_at(standby, "select pg_wal_replay_pause()");
    ASSERT_TRUE(
        eventually([&] { return sql_at(standby, "select pg_get_wal_replay_pause_state()").at(0).at(0) == "paused"; }));
    sql("insert into thing values (4, 'four')");
    postgres::Connection connection{primary, watchdog, limit};
    postgres::FeedPosition position;
    pool->primary_polled(postgres::poll_changes(connection, position, limit));
    answer = ask(query);
    sql_at(standby, "select pg_wal_replay_resume()");
    ASSERT_TRUE(answer && answer->label);
    EXPECT_EQ(answer->label->snapshot, polled->label->snapshot) << "the standby has not reached the newest poll";
}

TEST_F(PostgresQuery, EachReadHasASnapshotOfItsOwnWhateverTheRoleSays) {
    const auto super = stack.env("SLUICE_PG_SUPER");
    sql_at(super, "alter role sluice set default_transaction_isolation = 'repeatable read'");
    make(settings());
    const auto isolation = read("select current_setting('transaction_isolation') as x", ResultShape::one);
    start();
    const auto answer = ask(isolation);
    sql_at(super, "alter role sluice reset default_transaction_isolation");
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->json, R"({"x":"read committed"})");
}

TEST_F(PostgresQuery, WithoutTheSchemaReadsHaveNoLabelAndWritesGoThrough) {
    make(settings());
    StatementSpec spec;
    spec.name = "GET /labelled";
    spec.sql = "select 1 as x";
    spec.parameters = {"a", "b", "c", "d", "e"};
    spec.labelled = true;
    spec.on_primary = true;
    const auto labelled = add(spec);
    const auto update = write("update thing set name = 'changed' where id = 1");
    start();
    Query reading, writing;
    reading.statement = labelled;
    writing.statement = update;
    writing.invalidates = [](std::string_view) { return std::vector<std::string>{"thing:1"}; };
    ASSERT_TRUE(ask(reading)->label);
    ASSERT_TRUE(ask(writing));
    EXPECT_EQ(written.size(), 1U);

    sql("drop schema sluice cascade");
    poll();
    auto answer = ask(reading);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_FALSE(answer->label);
    answer = ask(writing);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(written.size(), 1U);
}

}  // namespace sluice::test

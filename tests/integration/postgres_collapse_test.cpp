// Reads of a statement with `collapse` that are asked at once, and become one.
#include "postgres/pipeline/read_encoder.hpp"
#include "postgres/schema/schema.hpp"
#include "support/pipeline_fixture.hpp"

namespace sluice::test {

using namespace std::chrono_literals;
using Kind = DatabaseError::Kind;

class PostgresCollapse : public PipelineTest {
protected:
    StatementId collapsing(std::string text, ResultShape result, bool with_label = false) {
        auto made = spec(std::move(text), result, true);
        made.labelled = with_label;
        made.collapse = true;
        return add(std::move(made));
    }

    void prepare() override {
        sql("drop table if exists place; create type place_kind as enum ('sea', 'land');"
            " create table place (code char(3) primary key, bits bit(4), amount numeric(6, 2), day date, kind place_kind,"
            " details jsonb); insert into place values ('NLD', b'1010', 1.5, '2024-02-29', 'land', '{\"a\": 1}'),"
            " ('N', b'1000', 2, '2024-03-01', 'sea', '{}'), ('USA', b'0101', 1000.25, null, 'land', null)");
        wait_for_replica();
    }
    void TearDown() override {
        PipelineTest::TearDown();
        sql("drop table place; drop type place_kind");
    }

    void add_statements() override {
        const auto by = [this](const std::string& condition) {
            return collapsing("select code, amount from place where " + condition, ResultShape::one);
        };
        typed = {by("code = :name"),
                 by("bits = :name"),
                 by("amount = :name"),
                 by("day = :name"),
                 by("kind = :name and :name <> ''"),
                 by("details @> :name"),
                 by("code = :name::varchar(2)")};
        unnamed =
            collapsing("select :id::int, case when :flag then 'x' else :name end, :name::text, name from thing where id = 1",
                       ResultShape::one);
        who = collapsing(
            "select pg_current_xact_id_if_assigned() is null as reads, :id::int as id, now()::text as now,"
            " statement_timestamp()::text as statement",
            ResultShape::one);
        thing = collapsing("select id, name, price from thing where id = :id", ResultShape::one);
        below = collapsing(
            "with chosen as (select id, name from thing where id <= :id and (:name is null or name = :name))"
            " select * from chosen order by id desc limit :price",
            ResultShape::many);
        divide = collapsing("select 10 / :id::int as x, :name::text as name", ResultShape::one);
        labelled = collapsing("select name from thing where id = :id", ResultShape::one, true);
        repeated = collapsing("select repeat(:name, :id::int) as x", ResultShape::one);
        array = collapsing("select :list::text[] as list", ResultShape::one);
        sleep = collapsing(
            "select pg_is_in_recovery() as standby, pg_sleep(case when pg_is_in_recovery() then :price else 0 end)",
            ResultShape::one);
    }

    /// Those that one statement answered, resp. that were asked anew after one had failed.
    double collapsed(const std::string& how) const {
        const auto text = metrics.render();
        const auto line = "sluice_db_collapsed_reads_total{result=\"" + how + "\",server=\"replica-1\"} ";
        const auto at = text.find(line);
        return at == text.npos ? -1 : std::stod(text.substr(at + line.size()));
    }

    std::vector<StatementId> typed;
    StatementId unnamed{};
    StatementId who{}, thing{}, below{}, divide{}, labelled{}, array{}, sleep{}, repeated{};
};

TEST_F(PostgresCollapse, ReadsOfOneTurnAreOneStatementAndEachHasItsOwnAnswer) {
    learn(query(thing, {"1"}));
    EXPECT_EQ(collapsed("answered"), 0) << "one by one there is nothing to collapse";
    auto futures = ask_in_one_turn(
        {query(thing, {"2"}), query(thing, {"1"}), query(thing, {"3"}), query(thing, {{}}), query(thing, {"2"})});
    const std::vector<std::string> expected{R"({"id":2,"name":"two","price":null})", R"({"id":1,"name":"one","price":1.10})",
                                            "", "", R"({"id":2,"name":"two","price":null})"};
    for (std::size_t i = 0; i < futures.size(); ++i) {
        const auto answer = futures[i].get();
        ASSERT_TRUE(answer) << answer.error().message;
        EXPECT_EQ(answer->json, expected[i]);
        EXPECT_EQ(answer->found, !expected[i].empty());
        EXPECT_FALSE(answer->from_primary);
    }
    EXPECT_EQ(collapsed("answered"), 5);
    EXPECT_EQ(collapsed("repeated"), 0);
}

TEST_F(PostgresCollapse, AnAnswerTooLongForALoopComesWholeAndTheOthersAtOnce) {
    learn(query(repeated, {"2", "y"}));
    const std::string times = std::to_string(postgres::longest_on_loop);
    auto futures =
        ask_in_one_turn({query(repeated, {"1", "y"}), query(repeated, {times, "€"}), query(repeated, {"3", "y"})});
    EXPECT_EQ(json_of(futures[0].get()), R"({"x":"y"})");
    const auto answer = json_of(futures[1].get());
    EXPECT_EQ(answer.size(), 3 * postgres::longest_on_loop + 8);
    EXPECT_TRUE(answer.ends_with("€\"}"));
    EXPECT_EQ(json_of(futures[2].get()), R"({"x":"yyy"})");
    EXPECT_EQ(collapsed("answered"), 3);
}

TEST_F(PostgresCollapse, ManyRowsNullsTextsAndLimitsGoTogether) {
    const std::vector<Query> queries{query(below, {"2", {}, "5"}), query(below, {"2", "one", "5"}),
                                     query(below, {"2", {}, "1"}), query(below, {"0", {}, "5"}),
                                     query(below, {"2", R"(x","\{}' ")", {}})};
    learn(queries.front());
    std::vector<std::string> alone;
    alone.reserve(queries.size());
    for (const auto& one : queries) alone.push_back(json_of(ask_on_loop(one)));
    EXPECT_EQ(alone[1], R"([{"id":1,"name":"one"}])");
    EXPECT_EQ(alone[3], "[]");
    auto futures = ask_in_one_turn(queries);
    for (std::size_t i = 0; i < futures.size(); ++i) EXPECT_EQ(json_of(futures[i].get()), alone[i]);
    EXPECT_EQ(collapsed("answered"), 5);
}

TEST_F(PostgresCollapse, EveryTypeMeansTheSameTogether) {
    const std::vector<std::vector<std::string>> values{
        {"NLD", "USA", "N", "NL", "ABCDEFG"},  {"1010", "0101", "1000", "1111", "1010"},
        {"1.50", "1000.25", "2", "3", "1.5"},  {"2024-02-29", "2024-03-01", "2024-02-29", "2024-01-01", "March 1, 2024"},
        {"land", "sea", "land", "sea", "sea"}, {R"({"a": 1})", "{}", R"({"b": "\"\\,{}"})", "{}", "[]"},
        {"NLD", "N", "USA", "", "N "}};
    for (std::size_t i = 0; i < typed.size(); ++i) {
        std::vector<Query> queries;
        std::vector<std::string> alone;
        queries.reserve(values[i].size());
        for (const auto& value : values[i]) queries.push_back(query(typed[i], {{}, value}));
        learn(queries.front());
        alone.reserve(queries.size());
        for (const auto& one : queries) alone.push_back(json_of(ask_on_loop(one)));
        const auto before = collapsed("answered");
        auto futures = ask_in_one_turn(queries);
        for (std::size_t k = 0; k < futures.size(); ++k) {
            EXPECT_EQ(json_of(futures[k].get()), alone[k]) << "statement " << i << ", value " << values[i][k];
        }
        EXPECT_EQ(collapsed("answered"), before + 5) << "statement " << i;
    }
    EXPECT_EQ(collapsed("repeated"), 0);
}

TEST_F(PostgresCollapse, ColumnsWithoutNamesAreCalledTheSame) {
    const auto one = query(unnamed, {"7", "y", {}, "false"});
    learn(one);
    const auto alone = json_of(ask_on_loop(one));
    for (auto& future : ask_in_one_turn({one, one, one})) EXPECT_EQ(json_of(future.get()), alone);
    EXPECT_EQ(collapsed("answered"), 3);
}

TEST_F(PostgresCollapse, OthersOfTheBatchAreNotDisturbed) {
    learn(query(thing, {"1"}));
    learn(query(who, {"1"}));
    const auto plain = query(who, {"7"});
    auto futures = ask_in_one_turn({query(thing, {"2"}), plain, query(thing, {"1"}), plain});
    EXPECT_EQ(json_of(futures[0].get()), R"({"id":2,"name":"two","price":null})");
    const auto first = nlohmann::json::parse(json_of(futures[1].get()));
    EXPECT_EQ(json_of(futures[2].get()), R"({"id":1,"name":"one","price":1.10})");
    EXPECT_EQ(first, nlohmann::json::parse(json_of(futures[3].get())));
    EXPECT_EQ(first.at("id"), 7);
    EXPECT_EQ(collapsed("answered"), 4);
}

TEST_F(PostgresCollapse, ABadValueAmongGoodOnesIsToldToItsOwnerAlone) {
    learn(query(divide, {"1", "a"}));
    auto futures = ask_in_one_turn({query(divide, {"5", "a"}), query(divide, {"0", "b"}), query(divide, {"ten", "c"}),
                                    query(divide, {"2", "\xff"}), query(divide, {"10", {}})});
    const std::vector<std::string> expected{R"({"x":2,"name":"a"})", "22012", "22P02", "22021", R"({"x":1,"name":null})"};
    for (std::size_t i = 0; i < futures.size(); ++i) {
        const auto answer = futures[i].get();
        if (expected[i].front() == '{') {
            EXPECT_EQ(json_of(answer), expected[i]);
        } else {
            ASSERT_FALSE(answer);
            EXPECT_EQ(answer.error().sqlstate, expected[i]) << answer.error().message;
        }
    }
    EXPECT_EQ(collapsed("repeated"), 5);
    EXPECT_EQ(status_of("replica-1").breaker, policy::CircuitBreaker::State::closed);
    for (auto& future : ask_in_one_turn(std::vector<Query>(3, query(divide, {"5", "a"})))) {
        EXPECT_EQ(json_of(future.get()), expected[0]);
    }
    EXPECT_EQ(collapsed("answered"), 3) << "and the next ones are one statement again";
}

TEST_F(PostgresCollapse, OneLabelServesAll) {
    const auto one = query(labelled, {"1"});
    const auto two = query(labelled, {"2"});
    learn(one);
    const auto alone = ask_on_loop(one);
    ASSERT_TRUE(alone && alone->label);
    // A transaction that is open stays so in the label.
    postgres::Watchdog watchdog;
    const auto limit = Clock::now() + 60s;
    postgres::Connection open{primary, watchdog, limit};
    const auto xid = open.execute("begin; select pg_current_xact_id()::text", limit).at(0).at(0).value();
    sql("insert into sluice.invalidation (kind, name) values ('tag', 'thing:2')");
    poll();
    auto futures = ask_in_one_turn({one, two, query(labelled, {"9"})});
    EXPECT_EQ(collapsed("answered"), 0);
    std::vector<Result> answers;
    answers.reserve(futures.size());
    for (auto& future : futures) answers.push_back(future.get());
    for (const auto& answer : answers) {
        ASSERT_TRUE(answer && answer->label);
        EXPECT_GT(answer->label->snapshot.xmax, alone->label->snapshot.xmax);
        EXPECT_EQ(answer->label->snapshot.running, std::vector<std::uint64_t>{std::stoull(xid)});
    }
    EXPECT_EQ(answers[0]->json, R"({"name":"one"})");
    EXPECT_EQ(answers[1]->json, R"({"name":"two"})");
    EXPECT_FALSE(answers[2]->found);
    EXPECT_EQ(collapsed("answered"), 3);
    open.execute("rollback", limit);
}

TEST_F(PostgresCollapse, WhatCannotBeCollapsedIsAskedOneByOne) {
    learn(query(array, {{}, {}, {}, {}, "{a,b}"}));
    for (auto& future : ask_in_one_turn(std::vector<Query>(3, query(array, {{}, {}, {}, {}, "{a,b}"})))) {
        EXPECT_EQ(json_of(future.get()), R"({"list":["a","b"]})");
    }
    EXPECT_EQ(collapsed("answered"), 0);
    EXPECT_EQ(collapsed("repeated"), 0);
}

TEST_F(PostgresCollapse, ASlowOneDoesNotKeepTheOthers) {
    learn(query(sleep, {{}, {}, "0"}));
    auto queries = std::vector<Query>(4, query(sleep, {{}, {}, "0"}));
    queries[1] = query(sleep, {{}, {}, "600"});
    auto futures = ask_in_one_turn(queries, 600s);
    for (const auto i : {0, 2, 3}) EXPECT_NE(json_of(futures[static_cast<std::size_t>(i)].get()), "");
    EXPECT_TRUE(eventually_asleep("1")) << "once, and by the worker";
    EXPECT_EQ(futures[1].wait_for(0s), std::future_status::timeout);
    EXPECT_EQ(collapsed("repeated"), 4);
}

TEST_F(PostgresCollapse, TablesMayChangeUnderIt) {
    learn(query(thing, {"1"}));
    const auto ask_two = [&](bool as_text = false) {
        auto futures = ask_in_one_turn({query(thing, {"1"}), query(thing, {"2"})});
        EXPECT_EQ(json_of(futures[1].get()),
                  as_text ? R"({"id":"2","name":"two","price":null})" : R"({"id":2,"name":"two","price":null})");
        return json_of(futures[0].get());
    };
    EXPECT_EQ(ask_two(), R"({"id":1,"name":"one","price":1.10})");
    sql("alter table thing alter column id type bigint, alter column price type double precision;"
        " insert into thing values (5000000000, 'large', 0.5)");
    wait_for_replica();
    EXPECT_EQ(ask_two(), R"({"id":1,"name":"one","price":1.1})");
    EXPECT_EQ(collapsed("answered"), 4);
    EXPECT_EQ(collapsed("repeated"), 0);

    sql("alter table thing alter column id type text");
    wait_for_replica();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ask_two(true), R"({"id":"1","name":"one","price":1.1})");
    EXPECT_EQ(collapsed("repeated"), 2) << "once, to learn the new type";
    EXPECT_GT(collapsed("answered"), 4);
}

}  // namespace sluice::test

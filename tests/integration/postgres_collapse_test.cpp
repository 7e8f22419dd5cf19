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

    /// In one turn, again and again until so many of them were `how`: which share a statement depends on how quick they have
    /// been of late, and they are asked one by one while they learn of a table that has changed.
    std::vector<Result> ask_until(const std::vector<Query>& queries, const std::string& how, std::size_t reads) {
        std::vector<Result> results;
        EXPECT_TRUE(eventually(
            [&] {
                learn(queries.front());
                const auto before = collapsed(how);
                results.clear();
                for (auto& future : ask_in_one_turn(queries)) results.push_back(future.get());
                return collapsed(how) == before + static_cast<double>(reads);
            },
            60s))
            << "they never were";
        return results;
    }
    std::vector<Result> ask_as_one(const std::vector<Query>& queries) {
        return ask_until(queries, "answered", queries.size());
    }

    std::vector<StatementId> typed;
    StatementId unnamed{};
    StatementId who{}, thing{}, below{}, divide{}, labelled{}, array{}, sleep{}, repeated{};
};

TEST_F(PostgresCollapse, ReadsOfOneTurnAreOneStatementAndEachHasItsOwnAnswer) {
    learn(query(thing, {"1"}));
    EXPECT_EQ(collapsed("answered"), 0) << "one by one there is nothing to collapse";
    const auto answers =
        ask_as_one({query(thing, {"2"}), query(thing, {"1"}), query(thing, {"3"}), query(thing, {{}}), query(thing, {"2"})});
    const std::vector<std::string> expected{R"({"id":2,"name":"two","price":null})", R"({"id":1,"name":"one","price":1.10})",
                                            "", "", R"({"id":2,"name":"two","price":null})"};
    for (std::size_t i = 0; i < answers.size(); ++i) {
        const auto& answer = answers[i];
        ASSERT_TRUE(answer) << answer.error().message;
        EXPECT_EQ(answer->json, expected[i]);
        EXPECT_EQ(answer->found, !expected[i].empty());
        EXPECT_FALSE(answer->from_primary);
    }
}

TEST_F(PostgresCollapse, AnAnswerTooLongForALoopComesWholeAndTheOthersAtOnce) {
    learn(query(repeated, {"2", "y"}));
    const std::string times = std::to_string(postgres::longest_on_loop);
    const auto answers =
        ask_as_one({query(repeated, {"1", "y"}), query(repeated, {times, "€"}), query(repeated, {"3", "y"})});
    EXPECT_EQ(json_of(answers[0]), R"({"x":"y"})");
    const auto answer = json_of(answers[1]);
    EXPECT_EQ(answer.size(), 3 * postgres::longest_on_loop + 8);
    EXPECT_TRUE(answer.ends_with("€\"}"));
    EXPECT_EQ(json_of(answers[2]), R"({"x":"yyy"})");
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
    const auto together = ask_as_one(queries);
    for (std::size_t i = 0; i < together.size(); ++i) EXPECT_EQ(json_of(together[i]), alone[i]);
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
        const auto together = ask_as_one(queries);
        for (std::size_t k = 0; k < together.size(); ++k) {
            EXPECT_EQ(json_of(together[k]), alone[k]) << "statement " << i << ", value " << values[i][k];
        }
    }
}

TEST_F(PostgresCollapse, ColumnsWithoutNamesAreCalledTheSame) {
    const auto one = query(unnamed, {"7", "y", {}, "false"});
    learn(one);
    const auto alone = json_of(ask_on_loop(one));
    for (const auto& answer : ask_as_one({one, one, one})) EXPECT_EQ(json_of(answer), alone);
}

TEST_F(PostgresCollapse, OthersOfTheBatchAreNotDisturbed) {
    learn(query(thing, {"1"}));
    learn(query(who, {"1"}));
    const auto plain = query(who, {"7"});
    const auto answers = ask_as_one({query(thing, {"2"}), plain, query(thing, {"1"}), plain});
    EXPECT_EQ(json_of(answers[0]), R"({"id":2,"name":"two","price":null})");
    const auto first = nlohmann::json::parse(json_of(answers[1]));
    EXPECT_EQ(json_of(answers[2]), R"({"id":1,"name":"one","price":1.10})");
    EXPECT_EQ(first, nlohmann::json::parse(json_of(answers[3])));
    EXPECT_EQ(first.at("id"), 7);
}

TEST_F(PostgresCollapse, ABadValueAmongGoodOnesIsToldToItsOwnerAlone) {
    learn(query(divide, {"1", "a"}));
    const auto answers = ask_until({query(divide, {"5", "a"}), query(divide, {"0", "b"}), query(divide, {"ten", "c"}),
                                    query(divide, {"2", "\xff"}), query(divide, {"10", {}})},
                                   "repeated", 5);
    const std::vector<std::string> expected{R"({"x":2,"name":"a"})", "22012", "22P02", "22021", R"({"x":1,"name":null})"};
    for (std::size_t i = 0; i < answers.size(); ++i) {
        const auto& answer = answers[i];
        if (expected[i].front() == '{') {
            EXPECT_EQ(json_of(answer), expected[i]);
        } else {
            ASSERT_FALSE(answer);
            EXPECT_EQ(answer.error().sqlstate, expected[i]) << answer.error().message;
        }
    }
    EXPECT_EQ(status_of("replica-1").breaker, policy::CircuitBreaker::State::closed);
    // And the next ones are one statement again.
    for (const auto& answer : ask_as_one(std::vector<Query>(3, query(divide, {"5", "a"}))))
        EXPECT_EQ(json_of(answer), expected[0]);
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
    const auto answers = ask_as_one({one, two, query(labelled, {"9"})});
    for (const auto& answer : answers) {
        ASSERT_TRUE(answer && answer->label);
        EXPECT_GT(answer->label->snapshot.xmax, alone->label->snapshot.xmax);
        EXPECT_EQ(answer->label->snapshot.running, std::vector<std::uint64_t>{std::stoull(xid)});
    }
    EXPECT_EQ(answers[0]->json, R"({"name":"one"})");
    EXPECT_EQ(answers[1]->json, R"({"name":"two"})");
    EXPECT_FALSE(answers[2]->found);
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
    ask_as_one(queries);
    queries[1] = query(sleep, {{}, {}, "600"});
    auto futures = ask_in_one_turn(queries, 600s);
    for (const auto i : {0, 2, 3}) EXPECT_NE(json_of(futures[static_cast<std::size_t>(i)].get()), "");
    EXPECT_TRUE(eventually_asleep("1")) << "once, and by the worker";
    EXPECT_EQ(futures[1].wait_for(0s), std::future_status::timeout);
}

// Once the monitor has seen the change they learn of the new types one by one. Until then they are planned anew for a column
// whose type is like the old one, and else fail as one, to learn after that.
TEST_F(PostgresCollapse, TablesMayChangeUnderIt) {
    const std::vector<Query> both{query(thing, {"1"}), query(thing, {"2"})};
    const auto expect = [&](const std::string& one, const std::string& two) {
        for (int i = 0; i < 3; ++i) {
            auto futures = ask_in_one_turn(both);
            EXPECT_EQ(json_of(futures[0].get()), one);
            EXPECT_EQ(json_of(futures[1].get()), two);
        }
        const auto together = ask_as_one(both);
        EXPECT_EQ(json_of(together[0]), one);
        EXPECT_EQ(json_of(together[1]), two);
    };
    learn(both[0]);
    expect(R"({"id":1,"name":"one","price":1.10})", R"({"id":2,"name":"two","price":null})");
    sql("alter table thing alter column id type bigint, alter column price type double precision;"
        " insert into thing values (5000000000, 'large', 0.5)");
    wait_for_replica();
    expect(R"({"id":1,"name":"one","price":1.1})", R"({"id":2,"name":"two","price":null})");
    const auto large = ask_as_one({query(thing, {"5000000000"}), both[1]});
    EXPECT_EQ(json_of(large[0]), R"({"id":5000000000,"name":"large","price":0.5})");
    sql("alter table thing alter column id type text");
    wait_for_replica();
    expect(R"({"id":"1","name":"one","price":1.1})", R"({"id":"2","name":"two","price":null})");
}

}  // namespace sluice::test

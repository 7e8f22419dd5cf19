// Quick reads whose prepared text is outdated or gone, and those whose backend does not even let itself be cancelled.
#include "postgres/connection/read_statement.hpp"
#include "postgres/pipeline/read_encoder.hpp"
#include "support/pipeline_fixture.hpp"

#include <algorithm>
#include <csignal>
#include <map>

namespace sluice::test {

using namespace std::chrono_literals;
using Kind = DatabaseError::Kind;

class PostgresPipelinePlans : public PipelineTest {
protected:
    void prepare() override {
        // What the standby's sessions have prepared is theirs alone: they themselves tell of it, and forget it.
        sql("drop table if exists outdated; create table outdated (since timestamptz);"
            "create or replace function use_plan_of(text_name text) returns int language plpgsql as $$ begin"
            "  if exists (select from pg_prepared_statements, outdated where name = text_name and prepare_time <= since) "
            "then"
            "    raise 'cached plan must not change result type' using errcode = '0A000'; end if;"
            "  return 1; end $$;"
            "create or replace function refuse_every_plan() returns int language plpgsql as $$ begin"
            "  raise 'it cannot do that' using errcode = '0A000'; end $$;"
            "create or replace function run(command text) returns int language plpgsql as $$ begin"
            "  execute command; return 1; end $$");
        wait_for_replica();
    }

    void add_statements() override {
        who = read("select pg_backend_pid() as pid", ResultShape::one);
        divide = known("select 10 / :id::int as x");
        named = known(spec("select coalesce(:name::text, 'none') as name, :list is null as empty", ResultShape::one, true),
                      {{2}, {}, {}, {}});
        things = known("select * from thing where id = :id");
        auto with_label = spec("select name from thing where id = :id", ResultShape::one, true);
        with_label.labelled = true;
        labelled = add(std::move(with_label));
        texts = read("select name, prepare_time::text as since from pg_prepared_statements order by name");
        planned = known("select use_plan_of(:name) as x");
        unplanned = read("select refuse_every_plan() as x", ResultShape::one);
        command = known("select run(:name) as x");
        auto by_pages = spec("select * from thing", ResultShape::many, true);
        by_pages.page_by.resize(2);
        by_pages.page_by[0].name = "name";
        by_pages.page_by[1].name = "id";
        by_pages.page_by[1].descending = true;
        paged = known(std::move(by_pages));
    }

    void TearDown() override {
        for (const auto pid : frozen_) ::kill(pid, SIGCONT);
        PipelineTest::TearDown();
    }

    /// Whose name on a connection is known.
    StatementId known(StatementSpec spec, const sql::Statement::Hints& hints = sql::Statement::each_its_own) {
        const sql::Statement statement{spec};
        const auto text = statement.plain(hints, sql::PageStep::first, postgres::cut_on_loop(statement)).text;
        const auto id = add(std::move(spec));
        names[id] = postgres::prepared_name(id.number(), text);
        return id;
    }
    StatementId known(std::string text) { return known(spec(std::move(text), ResultShape::one, true)); }
    std::string text_of(StatementId statement) const { return names.at(statement); }

    Query page_behind(std::vector<std::optional<std::string>> last) {
        auto asked = query(paged);
        asked.page = PagePosition{5, std::move(last)};
        return asked;
    }

    /// What the loop's connection has prepared, with the times at which it was.
    std::string prepared() { return json_of(ask_on_loop(query(texts))); }

    void freeze(int backend) {
        ASSERT_EQ(::kill(backend, SIGSTOP), 0);
        frozen_.push_back(backend);
    }
    void thaw() {
        for (const auto pid : std::exchange(frozen_, {})) ::kill(pid, SIGCONT);
    }

    StatementId who{}, divide{}, named{}, things{}, labelled{}, texts{}, planned{}, unplanned{}, command{}, paged{};
    std::map<StatementId, std::string> names;

private:
    std::vector<::pid_t> frozen_;
};

// Whatever a table's columns become, a read gives text: PostgreSQL plans it anew by itself.
TEST_F(PostgresPipelinePlans, ChangedColumnsOutdateNoReadNoPageAndNoLabelledRead) {
    const auto tagged = query(labelled, {"1"});
    for (const auto& each : {query(texts), query(things, {"1"}), tagged, page_behind({}), page_behind({"a", "9"}),
                             page_behind({std::nullopt, "9"})})
        learn(each);
    const auto before = prepared();
    for (const auto& id : {things, paged}) ASSERT_NE(before.find('"' + text_of(id) + '"'), before.npos) << before;

    sql("alter table thing alter id type bigint, alter name type varchar(40), alter price type double precision,"
        " alter tags type text using 'some', add more json default '[7]'");
    wait_for_replica();
    const std::string row = R"({"id":1,"name":"one","price":1.1,"tags":"some","more":[7]})";
    const auto read = ask_on_loop(query(things, {"1"}));
    EXPECT_EQ(json_of(read), row);
    EXPECT_EQ(json_of(ask_on_loop(tagged)), R"({"name":"one"})");
    const auto page = ask_on_loop(page_behind({}));
    EXPECT_EQ(nlohmann::json::parse(json_of(page)).at(0), nlohmann::json::parse(row));
    EXPECT_EQ(nlohmann::json::parse(json_of(ask_on_loop(page_behind({"a", "9"})))).size(), 2u);
    EXPECT_EQ(json_of(ask_on_loop(page_behind({std::nullopt, "9"}))), "[]");
    EXPECT_TRUE(eventually([&] {
        ask_on_loop(query(things, {"1"}));
        return prepared() != before;
    })) << "the texts that were there had the types of before";
}

// A function of the user's may say so all the same.
TEST_F(PostgresPipelinePlans, AnOutdatedTextIsPreparedAnewAndThoseBehindItAreAnswered) {
    const auto mine = query(planned, {{}, text_of(planned)});
    learn(mine);
    learn(query(divide, {"1"}));
    learn(query(texts));
    const auto before = prepared();
    sql("insert into outdated select clock_timestamp()");
    wait_for_replica();
    auto futures = ask_in_one_turn({query(divide, {"5"}), mine, query(divide, {"2"}), mine, query(divide, {"0"})});
    EXPECT_EQ(json_of(futures[0].get()), R"({"x":2})");
    EXPECT_EQ(json_of(futures[1].get()), R"({"x":1})");
    EXPECT_EQ(json_of(futures[2].get()), R"({"x":5})");
    EXPECT_EQ(json_of(futures[3].get()), R"({"x":1})");
    const auto failed = futures[4].get();
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().sqlstate, "22012");
    EXPECT_NE(prepared(), before);
}

TEST_F(PostgresPipelinePlans, WhatAsksForAnotherPlanForEverIsToldSoInTheEnd) {
    for (int i = 0; i < 5; ++i) {
        const auto answer = ask_on_loop(query(unplanned));
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().kind, Kind::rejected);
        EXPECT_EQ(answer.error().sqlstate, "0A000");
    }
}

TEST_F(PostgresPipelinePlans, ATextThatTheServerHasForgottenIsPreparedAnew) {
    learn(query(divide, {"1"}));
    learn(query(named, {{}, "first"}));
    learn(query(texts));
    learn(query(command, {{}, "select 1"}));
    learn(query(who));
    const auto mine = std::to_string(pid_of(ask_on_loop(query(who))));
    const auto forget =
        query(command, {{}, "do $$ begin if pg_backend_pid() = " + mine + " then deallocate all; end if; end $$"});
    for (int round = 0; round < 5; ++round) {
        auto futures = ask_in_one_turn({query(divide, {"5"}), forget, query(divide, {"2"}), query(named, {{}, "second"}),
                                        query(divide, {"0"}), query(divide, {"10"})});
        EXPECT_EQ(json_of(futures[0].get()), R"({"x":2})");
        EXPECT_EQ(json_of(futures[1].get()), R"({"x":1})");
        EXPECT_EQ(json_of(futures[2].get()), R"({"x":5})");
        EXPECT_EQ(json_of(futures[3].get()), R"({"name":"second","empty":true})");
        const auto failed = futures[4].get();
        ASSERT_FALSE(failed);
        EXPECT_EQ(failed.error().sqlstate, "22012");
        EXPECT_EQ(json_of(futures[5].get()), R"({"x":1})");
        const auto there = prepared();
        EXPECT_NE(there.find('"' + text_of(divide) + '"'), there.npos) << there;
        EXPECT_EQ(there.find('"' + text_of(command) + '"'), there.npos) << "it was all forgotten: " << there;
    }
}

TEST_F(PostgresPipelinePlans, ATextThatIsThereThoughNobodyKnewIsReplaced) {
    learn(query(divide, {"1"}));
    learn(query(command, {{}, "select 1"}));
    const auto foreign = "prepare " + text_of(named) + " as select 'not ours'";
    const auto run = ask_on_loop(query(command, {{}, foreign}));
    ASSERT_TRUE(run) << run.error().message;
    learn(query(named, {{}, "first"}));
    auto futures = ask_in_one_turn({query(named, {{}, "second"}), query(divide, {"5"})});
    EXPECT_EQ(json_of(futures[0].get()), R"({"name":"second","empty":true})");
    EXPECT_EQ(json_of(futures[1].get()), R"({"x":2})");
}

TEST_F(PostgresPipelinePlans, WhereNoCancelHelpsAWorkerDoesWhatIsUnderWay) {
    learn(query(divide, {"1"}));
    learn(query(who));
    const auto stuck = pid_of(ask_on_loop(query(who)));
    freeze(stuck);
    // More than one: each of a batch is done by a worker, whoever holds the others up.
    auto futures = ask_in_one_turn({query(divide, {"5"}), query(who), query(divide, {"0"}), query(divide, {"2"})});
    EXPECT_EQ(json_of(futures[0].get()), R"({"x":2})");
    const auto by = futures[1].get();
    EXPECT_NE(pid_of(by), stuck);
    EXPECT_FALSE(by->from_primary) << "it is one connection that does not answer, not the server";
    const auto failed = futures[2].get();
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().sqlstate, "22012");
    EXPECT_EQ(json_of(futures[3].get()), R"({"x":5})");
    EXPECT_EQ(status_of("replica-1").breaker, policy::CircuitBreaker::State::closed);
    // Alone: nobody is behind it.
    EXPECT_NE(pid_of(ask_on_loop(query(who))), stuck);

    thaw();
    EXPECT_TRUE(eventually([&] { return pid_of(ask_on_loop(query(who))) == stuck; })) << "it is used again";
    EXPECT_EQ(json_of(ask_on_loop(query(divide, {"5"}))), R"({"x":2})");
}

}  // namespace sluice::test

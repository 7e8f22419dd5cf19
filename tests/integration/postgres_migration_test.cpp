// A migration under statements that are prepared: the types that their parameters had are not theirs any more.
#include "support/catalog_changes.hpp"
#include "support/pipeline_fixture.hpp"

#include <functional>

namespace sluice::test {

using namespace std::chrono_literals;

class MigrationTest : public PipelineTest {
protected:
    void TearDown() override {
        PipelineTest::TearDown();
        sql("drop schema if exists changing, front cascade; alter role sluice in database sluice set search_path = public");
    }
    void begin_with(const std::string& before) {
        sql("drop schema if exists changing cascade; create schema changing; set search_path = changing; " + before);
        wait_for_replica();
    }
    void migrate(const std::string& text) {
        sql("begin; " + text + "; commit");
        wait_for_replica();
    }
};

class PostgresMigration : public MigrationTest, public ::testing::WithParamInterface<CatalogChange> {
protected:
    void prepare() override { begin_with(GetParam().before); }
    void add_statements() override {
        auto made = spec(GetParam().sql, ResultShape::one, !GetParam().writes);
        if (GetParam().writes) {
            ways.emplace_back("a write", [this, id = add(made)](const Query& asked) { return once(id, asked); });
            return;
        }
        ways.emplace_back("pipelined", [this, id = add(made)](const Query& asked) { return once(id, asked); });
        ways.emplace_back("by a worker", [this, id = add(made)](Query asked) {
            asked.statement = id;
            return std::vector<Result>{ask(std::move(asked))};
        });
        made.on_primary = true;
        ways.emplace_back("on the primary", [this, id = add(made)](Query asked) {
            asked.statement = id;
            return std::vector<Result>{ask(std::move(asked))};
        });
        made.on_primary = false;
        made.collapse = true;
        ways.emplace_back("collapsed", [this, id = add(made)](Query asked) {
            asked.statement = id;
            std::vector<Result> results;
            for (auto& future : ask_in_one_turn(std::vector<Query>(3, asked))) results.push_back(future.get());
            return results;
        });
    }
    std::vector<Result> once(StatementId id, Query asked) {
        asked.statement = id;
        return {ask_on_loop(std::move(asked))};
    }

    /// Whether every way has that answer. None may have an error.
    bool all_answer(const CatalogChange::Values& values, const std::string& json) {
        bool all = true;
        for (const auto& [name, ask_this_way] : ways) {
            for (const auto& result : ask_this_way(query({}, values))) {
                if (!result) {
                    ADD_FAILURE() << name << ": " << result.error().sqlstate << ' ' << result.error().message;
                    return true;
                }
                all = all && (json.empty() || result->json == json);
            }
        }
        return all;
    }

    using Way = std::function<std::vector<Result>(const Query&)>;
    std::vector<std::pair<std::string, Way>> ways;
};

TEST_P(PostgresMigration, ValuesAreTakenAsWhatTheyAreNow) {
    const auto& change = GetParam();
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(all_answer(change.good_before, ""));
    migrate(change.migration);
    EXPECT_TRUE(eventually([&] { return all_answer(change.then, change.answer); }));
    for (int i = 0; i < 8; ++i) EXPECT_TRUE(all_answer(change.then, change.answer));
}

INSTANTIATE_TEST_SUITE_P(Reads, PostgresMigration, ::testing::ValuesIn(changes_for_reads()),
                         [](const auto& one) { return one.param.name; });
INSTANTIATE_TEST_SUITE_P(Writes, PostgresMigration, ::testing::ValuesIn(changes_for_writes()),
                         [](const auto& one) { return one.param.name; });

class PostgresMigrations : public MigrationTest {
protected:
    void prepare() override {
        sql("create schema if not exists front; alter role sluice in database sluice set search_path = front, public");
        begin_with(
            "create table ev (id int, at timestamp); create table item (id int, name text);"
            " insert into item values (1, 'a')");
    }
    void add_statements() override {
        happens = write("insert into changing.ev values (1, :name) returning (at at time zone 'UTC')::text as at",
                        ResultShape::one);
        item = read("select name from changing.item where id = :name", ResultShape::one);
        shadowed = write("insert into shadowed values (:name) returning id", ResultShape::one);
    }
    StatementId happens{}, item{}, shadowed{};
};

// It begins with the types of before, and is done anew with those of after.
TEST_F(PostgresMigrations, AWriteThatWaitsForOneIsDoneBehindIt) {
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(ask(happens, {{}, "2030-01-01T00:00:00"}));
    postgres::Watchdog watchdog;
    const auto limit = Clock::now() + 60s;
    postgres::Connection migration{primary, watchdog, limit};
    migration.execute(
        "begin; set local timezone = 'UTC'; delete from changing.ev;"
        " alter table changing.ev alter at type timestamptz using at at time zone 'UTC'",
        limit);
    auto waiting = ask_in_one_turn({query(happens, {{}, "2030-01-01T00:00:00+05:00"})});
    ASSERT_TRUE(eventually([&] {
        return sql("select count(*)::text from pg_stat_activity where wait_event_type = 'Lock'"
                   " and query_start < clock_timestamp() - interval '50 ms'")
                   .at(0)
                   .at(0) == "1";
    }));
    migration.execute("commit", limit);
    EXPECT_EQ(json_of(waiting.front().get()), R"({"at":"2029-12-31 19:00:00"})");
    EXPECT_EQ(sql("set timezone = 'UTC'; select at::text from changing.ev"), (postgres::Rows{{"2029-12-31 19:00:00+00"}}));
}

// A value that is bad by itself: the catalog is looked at, and says that nothing has changed.
TEST_F(PostgresMigrations, ABadValueIsStillToldToWhoeverSentIt) {
    learn(query(item, {{}, "1"}));
    for (int i = 0; i < 3; ++i) {
        auto futures = ask_in_one_turn(
            {query(item, {{}, "5000000000"}), query(item, {{}, "x"}), query(item, {{}, "1"}), query(item, {{}, "y"})});
        for (const auto& [index, state] : {std::pair{0U, "22003"}, {1U, "22P02"}, {3U, "22P02"}}) {
            const auto answer = futures[index].get();
            ASSERT_FALSE(answer);
            EXPECT_EQ(answer.error().sqlstate, state) << answer.error().message;
        }
        EXPECT_EQ(json_of(futures[2].get()), R"({"name":"a"})");
    }
}

TEST_F(PostgresMigrations, ATableThatComesToStandInFrontIsNoticed) {
    ASSERT_EQ(sql("select current_schemas(false)::text").at(0).at(0), "{front,public}");
    sql("drop table if exists public.shadowed; create table public.shadowed (id int)");
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(ask(shadowed, {{}, "1"}));
    sql("create table front.shadowed (id bigint)");
    EXPECT_TRUE(eventually([&] {
        const auto answer = ask(shadowed, {{}, "5000000000"});
        return answer && answer->json == R"({"id":5000000000})";
    }));
    sql("drop table public.shadowed");
}

}  // namespace sluice::test

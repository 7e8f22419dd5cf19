// What is named in `tables:` and is no table, or not all of one: what is missed is told.
#include "support/postgres_fixture.hpp"

#include <gmock/gmock.h>

namespace sluice::test {

using ::testing::HasSubstr;
using ::testing::Not;

class TrackedKinds : public PostgresTest {
protected:
    void SetUp() override {
        PostgresTest::SetUp();
        TearDown();
        sql("create schema kinds; create table kinds.film (id int); create table kinds.actor (id int);"
            " create view kinds.cast_of as select f.id from kinds.film f join kinds.actor a using (id);"
            " create materialized view kinds.best as select id from kinds.film;"
            " create table kinds.visit (id int, year int) partition by list (year);"
            " create table kinds.visit_2026 partition of kinds.visit for values in (2026);"
            " create table kinds.place (id int); create table kinds.town () inherits (kinds.place);"
            " create sequence kinds.numbers");
    }
    void TearDown() override { sql("drop schema if exists kinds cascade"); }

    CommandResult check(const std::string& table) {
        const auto file = directory.write(
            "api.yaml", "postgres: { primary: \"" + primary + "\" }\ntables:\n  " + table + ": { tags: [\"t:{id}\"] }\n");
        return run_command({sluice_program(), "check", "--config", file.string()});
    }
    TemporaryDirectory directory;
};

TEST_F(TrackedKinds, WhatTellsOfNoChangesIsAMistake) {
    for (const auto& [table, message] : std::vector<std::pair<std::string, std::string>>{
             {"kinds.cast_of",
              "'kinds.cast_of' is a view, and a view has no changes of its own: name the tables that it reads"
              " (kinds.actor, kinds.film)"},
             {"kinds.best",
              "'kinds.best' is a materialized view: no trigger sees it refreshed. Leave it out, and purge its tag"
              " after each refresh"},
             {"kinds.numbers", "'kinds.numbers' is no table"},
             {"kinds.nothing", "there is no table 'kinds.nothing'"},
         }) {
        const auto result = check(table);
        EXPECT_EQ(result.exit_code, 1) << table;
        EXPECT_THAT(result.err, HasSubstr("api.yaml:3:3: " + message));
    }
}

TEST_F(TrackedKinds, ForeignTablesAreAMistake) {
    const auto super = stack.env("SLUICE_PG_SUPER");
    sql_at(super,
           "create foreign data wrapper none_of_tests; create server none_of_tests foreign data wrapper none_of_tests;"
           " create foreign table kinds.far (id int) server none_of_tests");
    EXPECT_THAT(check("kinds.far").err,
                HasSubstr("api.yaml:3:3: 'kinds.far' is a foreign table: what others change on its own"
                          " server would be missed"));
    sql_at(super, "drop foreign data wrapper none_of_tests cascade");
}

TEST_F(TrackedKinds, WhatIsMissedOfATableIsANote) {
    for (const auto& [table, message] : std::vector<std::pair<std::string, std::string>>{
             {"kinds.visit",
              "the table 'kinds.visit' has partitions: changes of a part of it by the part's own name are missed"},
             {"kinds.visit_2026",
              "the table 'kinds.visit_2026' is a partition of kinds.visit: changes made through that are"
              " missed; name kinds.visit instead"},
             {"kinds.place",
              "the table 'kinds.place' is inherited: changes of a part of it by the part's own name are missed"},
         }) {
        const auto result = check(table);
        EXPECT_EQ(result.exit_code, 0) << result.err;
        EXPECT_THAT(result.err, HasSubstr("api.yaml:3:3: " + message));
    }
    EXPECT_THAT(check("kinds.film").err, Not(HasSubstr("missed")));
}

}  // namespace sluice::test

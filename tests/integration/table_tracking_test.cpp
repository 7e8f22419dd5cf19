// Tables that tell of their own changes, whoever makes them.
#include "postgres/schema/table_tracking.hpp"
#include "postgres/schema/schema.hpp"
#include "support/http_client.hpp"
#include "support/postgres_fixture.hpp"
#include "support/process.hpp"

#include <gmock/gmock.h>

#include <set>

namespace sluice::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const TrackedTable town{"town", {"town:{id}", "country:{country}"}, {}};

class TableTracking : public PostgresTest {
protected:
    void SetUp() override {
        PostgresTest::SetUp();
        sql("drop table if exists public.town; create table public.town (id numeric primary key, country text, note text)");
    }
    void TearDown() override { sql("drop table if exists public.town"); }

    void track(const TrackedTable& table = town) {
        postgres::track(primary, {&table, 1}, [](std::string_view) {});
    }
    /// The tags that the statement has left behind.
    std::vector<std::string> tags_of(const std::string& statement) {
        sql("delete from sluice.invalidation");
        sql(statement);
        std::vector<std::string> tags;
        for (const auto& row : sql("select name from sluice.invalidation where kind = 'tag' order by name")) {
            tags.push_back(row.at(0).value());
        }
        return tags;
    }
    postgres::TrackingReport inspect(const TrackedTable& table = town) {
        return postgres::inspect_tracking(primary, {&table, 1});
    }
};

}  // namespace

TEST_F(TableTracking, EveryStatementTellsTheTagsOfTheRowsAsTheyWereAndAsTheyAre) {
    track();
    EXPECT_THAT(tags_of("insert into town values (1, 'FR'), (2, 'FR'), (3, null)"),
                ElementsAre("country:FR", "town:1", "town:2", "town:3"));
    EXPECT_THAT(tags_of("update town set country = 'DE' where id = 1"), ElementsAre("country:DE", "country:FR", "town:1"));
    EXPECT_THAT(tags_of("update town set id = 5 where id = 2"), ElementsAre("country:FR", "town:2", "town:5"));
    EXPECT_THAT(tags_of("update town set note = 'x' where id = 99"), IsEmpty());
    EXPECT_THAT(tags_of("delete from town where id = 1"), ElementsAre("country:DE", "town:1"));
    EXPECT_THAT(tags_of("insert into town values (5, 'IT') on conflict (id) do update set country = 'IT'"),
                ElementsAre("country:FR", "country:IT", "town:5"));
    EXPECT_THAT(tags_of("truncate town"), ElementsAre("table:town"));
    EXPECT_THAT(tags_of("begin; insert into town values (7, 'FR'); rollback"), IsEmpty()) << "what did not happen";
}

TEST_F(TableTracking, MoreThanAThousandTagsBecomeTheTablesOwn) {
    track();
    EXPECT_EQ(tags_of("insert into town select i, 'FR' from generate_series(1, 999) i").size(), 1'000U);
    EXPECT_THAT(tags_of("update town set note = 'x'; insert into town values (1000, 'FR')"),
                ::testing::Contains("table:town").Times(0));
    EXPECT_THAT(tags_of("update town set note = 'y'"), ElementsAre("table:town"));
}

TEST_F(TableTracking, ANumberHasOneSpellingAndATextIsItself) {
    track();
    EXPECT_THAT(tags_of("insert into town values (5.00, '1e3'), (0.50, '007')"),
                UnorderedElementsAre("country:1e3", "country:007", "town:5", "town:0.5"));
    EXPECT_THAT(tags_of("insert into town values (12345678901234567890123, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11')"),
                ElementsAre("country:A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "town:12345678901234567890123"));
}

TEST_F(TableTracking, TheSettingsOfWhoeverWritesDoNotMatter) {
    sql("alter table town add column at timestamptz, add column ratio float8, add column raw bytea, add column span "
        "interval");
    const TrackedTable table{"town", {"t:{at}", "r:{ratio}", "b:{raw}", "i:{span}"}, {}};
    track(table);
    EXPECT_THAT(tags_of("set timezone = 'Asia/Tokyo'; set datestyle = 'German'; set extra_float_digits = -10;"
                        " set bytea_output = 'escape'; set intervalstyle = 'iso_8601';"
                        " insert into town (id, at, ratio, raw, span)"
                        " values (1, '2026-02-01 09:00+09', 0.12345678901234566, 'a', '1 day 2 hours')"),
                UnorderedElementsAre("b:\\x61", "i:1 day 02:00:00", "r:0.12345678901234566", "t:2026-02-01 00:00:00+00"));
}

TEST_F(TableTracking, AWriteNeverFailsForAColumnThatIsGoneOrAnother) {
    track();
    const auto expect_own = [&](const std::string& ddl) {
        sql(ddl);
        EXPECT_THAT(tags_of("insert into town (id) values (7)"), ElementsAre("table:town")) << ddl;
        EXPECT_THAT(tags_of("update town set id = 8 where id = 7"), ElementsAre("table:town")) << ddl;
        EXPECT_THAT(tags_of("delete from town where id = 8"), ElementsAre("table:town")) << ddl;
        EXPECT_THAT(tags_of("truncate town"), ElementsAre("table:town")) << ddl;
    };
    expect_own("alter table town rename column country to land");
    sql("alter table town rename column land to country");
    EXPECT_THAT(tags_of("insert into town values (1, 'FR')"), ElementsAre("country:FR", "town:1"));
    sql("alter table town alter id type text using 'no. ' || id");
    EXPECT_THAT(tags_of("insert into town values ('5.0', 'FR')"), ElementsAre("country:FR", "town:5.0"));
    sql("truncate town; alter table town alter id type numeric using 0");
    EXPECT_THAT(tags_of("insert into town values (5.0, 'FR')"), ElementsAre("country:FR", "town:5"));
    expect_own("alter table town drop column country");
    // One session with plans from before.
    sql("alter table town add column country text");
    EXPECT_THAT(
        tags_of("insert into town (id) values (1); alter table town drop column country; insert into town (id) values (2)"),
        UnorderedElementsAre("town:1", "table:town"));
    EXPECT_THAT(inspect().mistakes.at(0).message, HasSubstr("has no column 'country'"));
}

TEST_F(TableTracking, NamesMayBeQuoted) {
    sql("drop schema if exists \"My.Shop\" cascade; create schema \"My.Shop\";"
        " create table \"My.Shop\".\"O\"\"Neil's {\" (\"Id\" int, id int)");
    sql("alter table \"My.Shop\".\"O\"\"Neil's {\" rename to \"O\"\"Neil's\"");
    const TrackedTable table{"\"My.Shop\".\"O\"\"Neil's\"", {"odd:{Id}", "even:{id}"}, {}};
    EXPECT_THAT(inspect(table).untracked, ElementsAre(table.name));
    track(table);
    EXPECT_THAT(inspect(table).untracked, IsEmpty());
    EXPECT_THAT(tags_of("insert into \"My.Shop\".\"O\"\"Neil's\" values (1, 2)"), ElementsAre("even:2", "odd:1"));
    EXPECT_THAT(tags_of("truncate \"My.Shop\".\"O\"\"Neil's\""), ElementsAre("table:" + table.name));
    postgres::untrack_all(primary, [](std::string_view) {});
    EXPECT_THAT(tags_of("insert into \"My.Shop\".\"O\"\"Neil's\" values (1, 2)"), IsEmpty());
    sql("drop schema \"My.Shop\" cascade");
}

TEST_F(TableTracking, OneTableUnderTwoNamesIsAMistake) {
    const std::vector<TrackedTable> twice{town, {"public.town", {"x"}, {}}};
    const auto report = postgres::inspect_tracking(primary, twice);
    ASSERT_EQ(report.mistakes.size(), 1U);
    EXPECT_EQ(report.mistakes[0].index, 1U);
}

TEST_F(TableTracking, ATableThatTakesAnothersPlaceIsNoticed) {
    const TemporaryDirectory directory;
    const auto file = directory.write("api.yaml",
                                      "server: { listen: 127.0.0.1:0, admin: 127.0.0.1:0 }\n"
                                      "tiers: { anonymous: { requests: 1000000 } }\n"
                                      "postgres: { primary: \"" +
                                          primary +
                                          "\" }\n"
                                          "tables: { town: { tags: [\"town:{id}\"] } }\n"
                                          "routes:\n"
                                          "  GET /towns/{id}:\n"
                                          "    params: { id: number }\n"
                                          "    result: one\n"
                                          "    sql: select * from town where id = :id\n"
                                          "    cache: { ttl: 1h, tags: [\"town:{id}\"] }\n");
    sql("insert into town values (1, 'FR', 'first')");
    Instance instance{file, {}};
    const auto ready = [&] { return http_get(instance.admin_port(), "/health/ready").body; };
    EXPECT_TRUE(eventually([&] { return ready().find(R"("tables":"not told: town")") != std::string::npos; })) << ready();
    EXPECT_THAT(ready(), HasSubstr(R"("degraded":[])")) << "nothing has changed since the start";
    track({"town", {"town:{id}"}, {}});
    const auto shows = [&](const std::string& text) {
        return eventually([&] { return http_get(instance.port(), "/towns/1").body.find(text) != std::string::npos; });
    };
    const auto is_hit = [&] {
        return eventually([&] {
            return http_get(instance.port(), "/towns/1").header("Cache-Status").value_or("").starts_with("sluice; hit");
        });
    };
    ASSERT_TRUE(shows("first"));
    ASSERT_TRUE(is_hit());
    ASSERT_TRUE(eventually([&] { return ready().find(R"("tables":"ok")") != std::string::npos; })) << ready();

    sql("create table public.town_new (like public.town including all); insert into town_new values (1, 'FR', 'second');"
        " alter table town rename to town_old; alter table town_new rename to town");
    EXPECT_TRUE(shows("second")) << "with the next look";
    EXPECT_TRUE(eventually([&] { return ready().find(R"("tables":"not told: town")") != std::string::npos; })) << ready();
    EXPECT_THAT(ready(), HasSubstr(R"("degraded":["tables"])"));
    EXPECT_TRUE(eventually([&] { return instance.log().find("table_changes_not_told") != std::string::npos; }));
    sql("update town set note = 'third'");
    EXPECT_TRUE(shows("third")) << "which nobody told";

    EXPECT_EQ(run_command({sluice_program(), "migrate", "--config", file.string()}).exit_code, 0);
    EXPECT_TRUE(eventually([&] { return ready().find(R"("tables":"ok")") != std::string::npos; })) << ready();
    EXPECT_TRUE(is_hit());
    sql("update town set note = 'fourth'");
    EXPECT_TRUE(shows("fourth"));

    sql("drop table public.town_old");
}

TEST_F(TableTracking, ARolesOwnSchemaDoesNotHideTheApplicationsTables) {
    const auto found_first = primary + "?options=-c%20search_path%3D%22%24user%22%2Cpublic";
    sql("drop table if exists public.api_keys; create table public.api_keys (owner text); insert into public.api_keys values"
        " ('the application')");
    EXPECT_EQ(sql_at(found_first, "select owner from api_keys").at(0).at(0), "the application");
    EXPECT_EQ(sql_at(primary + "?options=-c%20search_path%3Dsluice%2Cpublic", "select owner from api_keys").at(0).at(0),
              "the application");
    sql_at(found_first, "create table made_here (id int)");
    EXPECT_EQ(sql("select to_regclass('public.made_here') is not null").at(0).at(0), "t");
    const TemporaryDirectory directory;
    const auto file = directory.write("api.yaml",
                                      "server: { listen: 127.0.0.1:0, admin: 127.0.0.1:0 }\n"
                                      "postgres: { primary: '" +
                                          found_first +
                                          "' }\n"
                                          "routes:\n"
                                          "  GET /keys: { sql: select owner from api_keys }\n"
                                          "  POST /keys: { sql: insert into api_keys values ('b') returning owner }\n");
    Instance instance{file, {}};
    EXPECT_TRUE(
        eventually([&] { return http_get(instance.port(), "/keys").body.find("the application") != std::string::npos; }));
    EXPECT_THAT(http_post(instance.port(), "/keys", "").body, HasSubstr("\"b\""));
    sql("drop table public.api_keys, public.made_here");
}

TEST_F(TableTracking, WhoeverWritesNeedsNoRightOnTheSchema) {
    track();
    sql_at(stack.env("SLUICE_PG_SUPER"),
           "do $$ begin if not exists (select from pg_roles where rolname = 'plain') then create role plain; end if; end $$;"
           " grant insert on town to plain; grant usage on schema public to plain");
    sql_at(stack.env("SLUICE_PG_SUPER"),
           "delete from sluice.invalidation; set role plain; insert into town values (8, 'FR')");
    EXPECT_EQ(sql("select count(*) from sluice.invalidation").at(0).at(0), "2");
    sql_at(stack.env("SLUICE_PG_SUPER"), "drop owned by plain; drop role plain");
}

TEST_F(TableTracking, QuotesWhatMustBeQuoted) {
    sql("alter table town rename column note to \"odd\"\"name\"");
    const TrackedTable odd{"town", {"it's {odd\"name}\\x"}, {}};
    track(odd);
    EXPECT_THAT(tags_of("insert into town values (1, 'FR', 'a''b')"), ElementsAre("it's a'b\\x"));
}

TEST_F(TableTracking, SaysWhatIsMissingOrDiffers) {
    EXPECT_THAT(inspect().untracked, ElementsAre("town"));
    track();
    EXPECT_THAT(inspect().untracked, IsEmpty());
    EXPECT_EQ(postgres::missing_tracking_sql(primary, {&town, 1}), "");
    const TrackedTable other{"town", {"town:{id}"}, {}};
    EXPECT_THAT(inspect(other).untracked, ElementsAre("town")) << "other tags";
    EXPECT_THAT(postgres::missing_tracking_sql(primary, {&other, 1}), HasSubstr("create or replace trigger"));
    track(other);
    EXPECT_THAT(inspect(other).untracked, IsEmpty());
    EXPECT_THAT(tags_of("insert into town values (1, 'FR')"), ElementsAre("town:1"));
    sql("drop trigger sluice_track_delete on town");
    EXPECT_THAT(inspect(other).untracked, ElementsAre("town")) << "one is gone";
    track(other);
    sql("alter table town disable trigger sluice_track_update");
    EXPECT_THAT(inspect(other).untracked, ElementsAre("town")) << "one is off";

    const TrackedTable wrong{"town", {"town:{ID}", "{land}"}, {}};
    EXPECT_EQ(inspect(wrong).mistakes.size(), 2U);
    const TrackedTable nowhere{"nowhere", {"x"}, {}};
    EXPECT_THAT(inspect(nowhere).mistakes.at(0).message, HasSubstr("no table 'nowhere'"));
    EXPECT_THAT(postgres::inspect_tracking(primary, {}).others, ElementsAre("public.town"));

    std::vector<std::string> lines;
    postgres::untrack_all(primary, [&](std::string_view line) { lines.emplace_back(line); });
    EXPECT_EQ(lines.size(), 1U);
    EXPECT_THAT(postgres::inspect_tracking(primary, {}).others, IsEmpty());
    EXPECT_THAT(tags_of("insert into town values (2, 'FR')"), IsEmpty());
    EXPECT_EQ(sql("select count(*) from pg_proc where proname like 'track%'").at(0).at(0), "0");
}

TEST_F(TableTracking, ACommandInstallsPrintsAndRemovesIt) {
    const TemporaryDirectory directory;
    const auto file = directory.write("api.yaml",
                                      "server: { listen: 127.0.0.1:0, admin: 127.0.0.1:0 }\n"
                                      "postgres: { primary: \"" +
                                          primary +
                                          "\" }\n"
                                          "tables: { town: { tags: [\"town:{id}\"] } }\n"
                                          "routes:\n"
                                          "  GET /towns/{id}:\n"
                                          "    params: { id: integer }\n"
                                          "    result: one\n"
                                          "    sql: select * from town where id = :id\n"
                                          "    cache: { ttl: 1h, negative: 1h, tags: [\"town:{id}\"] }\n");
    const auto sluice = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), sluice_program());
        arguments.insert(arguments.end(), {"--config", file.string()});
        return run_command(arguments);
    };
    sql("drop schema sluice cascade");
    const auto script = sluice({"migrate", "--dry-run"});
    EXPECT_EQ(script.exit_code, 0) << script.err;
    EXPECT_THAT(script.out, HasSubstr("create schema if not exists sluice"));
    EXPECT_THAT(script.out, HasSubstr("create or replace trigger sluice_track_update after update on public.town"));
    EXPECT_EQ(postgres::migrations_pending(primary) > 0, true) << "nothing was run";
    EXPECT_THAT(sluice({"check"}).err, HasSubstr("'town' is not tracked as configured: run 'sluice migrate'"));
    // The script does what the command does.
    EXPECT_EQ(run_command({"psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-c", script.out, primary}).exit_code, 0);
    EXPECT_THAT(sluice({"migrate"}).out, HasSubstr("up to date"));
    EXPECT_EQ(sluice({"migrate", "--dry-run"}).out, "-- nothing to do\n");
    EXPECT_THAT(sluice({"check"}).err, IsEmpty());

    // Whoever writes: a cached answer is new within the bound.
    sql("insert into town values (1, 'FR', 'before')");
    {
        Instance instance{file, {}};
        const auto note = [&] { return http_get(instance.port(), "/towns/1").body; };
        EXPECT_THAT(note(), HasSubstr("before"));
        EXPECT_TRUE(eventually([&] {
            return http_get(instance.port(), "/towns/1").header("Cache-Status").value_or("").starts_with("sluice; hit");
        }));
        sql("update town set note = 'after' where id = 1");
        EXPECT_TRUE(eventually([&] { return note().find("after") != std::string::npos; }));
        EXPECT_TRUE(eventually([&] {
            return http_get(instance.port(), "/towns/1").header("Cache-Status").value_or("").starts_with("sluice; hit");
        }));
        sql("truncate town");
        EXPECT_TRUE(eventually([&] { return http_get(instance.port(), "/towns/1").status == 404; }));
        EXPECT_TRUE(eventually([&] {
            return http_get(instance.port(), "/towns/1").header("Cache-Status").value_or("").starts_with("sluice; hit");
        })) << "a 404 is kept, too";
        sql("insert into town values (1, 'FR', 'again')");
        EXPECT_TRUE(eventually([&] { return note().find("again") != std::string::npos; })) << "until the row is there";
    }
    EXPECT_THAT(sluice({"migrate", "--remove"}).out, HasSubstr("public.town: its changes are no longer told"));
    EXPECT_EQ(sluice({"migrate", "--remove", "--dry-run"}).exit_code, 2);
    sql("alter table town rename column id to number");
    const auto wrong = sluice({"migrate"});
    EXPECT_EQ(wrong.exit_code, 1);
    EXPECT_THAT(wrong.err, HasSubstr("api.yaml:3:11: the table 'town' has no column 'id'"));
}

}  // namespace sluice::test

// A value is spelled alike wherever a tag is made of it: from a request, from a row that a write returns, by a trigger, and
// by an operator.
#include "endpoints/tag_value.hpp"
#include "postgres/schema/schema.hpp"
#include "postgres/schema/table_tracking.hpp"
#include "sql/statement.hpp"
#include "support/http_client.hpp"
#include "support/postgres_fixture.hpp"
#include "support/process.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <random>

namespace sluice::test {
namespace {

using postgres::Spelling;
using ::testing::HasSubstr;

class TagSpelling : public PostgresTest {
protected:
    using Generate = std::function<std::string()>;

    std::mt19937_64 random{7};
    std::string digits(std::size_t count) {
        std::string text;
        for (std::size_t i = 0; i < count; ++i) text += static_cast<char>('0' + random() % 10);
        return text;
    }
    std::string number() {
        std::string text = random() % 2 == 0 ? "-" : "";
        text +=
            random() % 4 == 0 ? "0" : std::to_string(random() % 9 + 1) + digits(random() % (random() % 20 == 0 ? 60 : 12));
        if (random() % 2 == 0) text += "." + digits(1 + random() % (random() % 20 == 0 ? 60 : 6));
        if (random() % 4 == 0) text += (random() % 2 == 0 ? "e-" : "E") + std::to_string(random() % 60);
        return text;
    }
    std::string word() {
        static const std::vector<std::string> pieces{"0",    "1",    "e5", ".",  "-",  " ", "A",
                                                     "TRUE", "null", "é",  "\"", "\\", "{", ","};
        std::string text;
        for (auto count = random() % 5; count > 0; --count) text += pieces[random() % pieces.size()];
        return text;
    }
    std::string uuid() {
        static const std::string hex = "0123456789abcdefABCDEF";
        std::string text;
        for (int i = 0; i < 32; ++i) {
            if (i == 8 || i == 12 || i == 16 || i == 20) text += '-';
            text += hex[random() % hex.size()];
        }
        return text;
    }

    /// A million texts, each read as the type and spelled by PostgreSQL. Equal spellings are those of equal values.
    void agree(const std::string& type, Spelling spelling, const Generate& generate) {
        constexpr std::size_t at_once = 10'000;
        constexpr std::size_t rounds = 100;
        postgres::Watchdog watchdog;
        const auto limit = Clock::now() + std::chrono::minutes{5};
        postgres::Connection connection{primary, watchdog, limit};
        const auto statement =
            "select json_agg(sluice.tag_value(v) order by n)::text, count(distinct v)::text,"
            " count(distinct sluice.tag_value(v))::text from (select value::" +
            type + " as v, n from unnest($1::text[]) with ordinality texts(value, n)) read";
        std::size_t wrong = 0;
        for (std::size_t round = 0; round < rounds && wrong == 0; ++round) {
            std::vector<std::string> texts(at_once);
            std::generate(texts.begin(), texts.end(), generate);
            const auto rows = connection.execute(statement, {sql::array_literal(texts)}, limit);
            EXPECT_EQ(rows.at(0).at(1), rows.at(0).at(2)) << type << ": two values have one tag, or one value two";
            const auto spelled = nlohmann::json::parse(rows.at(0).at(0).value());
            for (std::size_t i = 0; i < at_once; ++i) {
                const auto ours = endpoints::spell(spelling, texts[i]);
                if (ours && *ours == spelled[i].get_ref<const std::string&>()) continue;
                if (++wrong < 5)
                    ADD_FAILURE() << type << " '" << texts[i] << "': " << ours.value_or("?") << ", " << spelled[i];
            }
        }
    }
};

/// A type, a value of it, and what a client may write for that value.
struct Kind {
    std::string type;
    std::string parameter;  // as declared
    std::string value;      // in SQL
    std::string asked;      // percent-encoded
    std::string purged;     // what an operator writes
};

const std::vector<Kind> kinds{
    {"text", "string", "'1234e56'", "1234e56", "1234e56"},
    {"text", "string", "'00123'", "00123", "00123"},
    {"text", "string", "'1e5'", "1e5", "1e5"},
    {"text", "string", "'-0'", "-0", "-0"},
    {"text", "string", "' 5'", "%205", " 5"},
    {"varchar(9)", "string", "'TRUE'", "TRUE", "TRUE"},
    {"text", "string", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
     "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"},
    {"int", "integer", "7", "7", "007"},
    {"bigint", "integer", "9007199254740993", "9007199254740993", "9007199254740993"},
    {"numeric", "number", "12345678901234567890123", "12345678901234567890123", "12345678901234567890123.0"},
    {"numeric(10,2)", "number", "5", "5", "5.00"},
    {"numeric", "number", "1e50", "1e50", "1E50"},
    {"float8", "number", "1e16", "10000000000000000", "1e16"},
    {"float4", "number", "16777216", "16777217", "16777216"},
    {"boolean", "boolean", "true", "true", "t"},
    {"char(5)", "string", "'FR'", "FR%20", "FR"},
    {"uuid", "string", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
     "{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}"},
    {"date", "string", "'2026-02-01'", "20260201", "2026-02-01"},
    {"timestamp", "string", "'2026-02-01 10:00'", "2026-02-01T10:00:00", "2026-02-01 10:00"},
    {"timestamptz", "string", "'2026-02-01 10:00+00'", "2026-02-01T15:00:00%2B05:00", "2026-02-01 10:00Z"},
    {"tag_mood", "string", "'Happy'", "Happy", "Happy"},
    {"tag_price", "number", "5", "5.0", "5"},
    {"citext", "string", "'Éa'", "%C3%A9A", "éa"},
    {"bytea", "string", "'\\xdead'", "%5CxDEAD", "\\xDEAD"},
    {"int[]", "{ type: array, items: integer }", "'{1,2}'", "1,2", "{1, 2}"},
    {"inet", "string", "'10.0.0.1'", "10.0.0.1%2F32", "10.0.0.1"},
};

std::string name_of(const char* prefix, std::size_t i) { return prefix + std::to_string(i); }

}  // namespace

TEST_F(TagSpelling, OfAMillionNumbersIsOneOnBothSides) {
    agree("numeric", Spelling::number, [this] { return number(); });
}

TEST_F(TagSpelling, OfAMillionIntegersIsOneOnBothSides) {
    agree("bigint", Spelling::number, [this] {
        return (random() % 3 == 0 ? std::string(random() % 3, '0') : "-") + std::to_string(random() >> (1 + random() % 62));
    });
}

TEST_F(TagSpelling, OfAMillionTextsIsOneOnBothSides) {
    agree("text", Spelling::text, [this] { return word(); });
}

TEST_F(TagSpelling, OfAMillionPaddedTextsIsOneOnBothSides) {
    agree("char(20)", Spelling::padded, [this] { return word(); });
}

TEST_F(TagSpelling, OfAMillionUuidsIsOneOnBothSides) {
    agree("uuid", Spelling::uuid, [this] { return uuid(); });
}

TEST_F(TagSpelling, OfAFloatInARowIsThatOfTheTriggers) {
    const auto rows =
        sql("select count(*) from (select row_to_json(r)::jsonb ->> 'f' as ours, sluice.tag_value(f) as theirs from"
            " (select (random() - 0.5) * power(10::float8, (random() * 600 - 300)::int) as f from"
            " generate_series(1, 10000)) r) both_sides where sluice.tag_number(ours) <> theirs");
    EXPECT_EQ(rows.at(0).at(0), "0");
    // The row's own text, as JSON has it.
    const auto texts =
        sql("select json_agg(json_build_array(to_json(f)::text, sluice.tag_value(f)))::text from"
            " (select (random() - 0.5) * power(10::float8, (random() * 600 - 300)::int) as f from"
            " generate_series(1, 100000)) r");
    for (const auto& pair : nlohmann::json::parse(texts.at(0).at(0).value())) {
        ASSERT_EQ(endpoints::spell_json(pair[0].get<std::string>()), pair[1].get<std::string>());
    }
}

TEST_F(TagSpelling, OfEveryTypeMeetsOnEveryWay) {
    std::string tables =
        "drop schema if exists tag_test cascade; create schema tag_test; set search_path = tag_test, public;"
        " create extension if not exists citext; create type tag_mood as enum ('Happy');"
        " create domain tag_price as numeric(10,2);";
    std::string config =
        "server: { listen: '127.0.0.1:0', admin: '127.0.0.1:0', admin_token: secret-of-the-admin }\n"
        "tiers: { anonymous: { requests: 1000000 } }\n"
        "postgres: { primary: \"" +
        primary + "?options=-c%20search_path%3Dtag_test%2Cpublic%20-c%20timezone%3DAsia/Tokyo\" }\ntables:\n";
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        const auto t = name_of("t", i);
        for (const auto& table : {t, name_of("u", i)}) {
            tables += "create table " + table + " (key " + kinds[i].type + ", note text); insert into " + table +
                      " values (" + kinds[i].value + ", 'one');";
        }
        config += "  tag_test." + t + ": { tags: [\"" + t + ":{key}\"] }\n";
    }
    config += "routes:\n";
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        const auto u = name_of("u", i);
        const auto& type = kinds[i].parameter;
        for (const auto& table : {name_of("t", i), u}) {
            config += "  GET /" + table + "/{key}: { params: { key: " + type + " }, result: one, sql: 'select note from " +
                      table + " where key = :key', cache: { ttl: 1h, tags: ['" + table + ":{key}'] } }\n";
        }
        config += "  PUT /" + u + "/{key}: { params: { key: " + type +
                  " }, body: { properties: { note: { type: string } } }, result: none, sql: 'update " + u +
                  " set note = :note where key = :key', invalidates: ['" + u + ":{key}'] }\n";
        config += "  POST /" + u + ": { body: { properties: { note: { type: string } } }, result: one, sql: 'update " + u +
                  " set note = :note returning *', invalidates: ['" + u + ":{key}'] }\n";
    }
    sql(tables);
    const TemporaryDirectory directory;
    const auto file = directory.write("api.yaml", config);
    const auto migrated = run_command({sluice_program(), "migrate", "--config", file.string()});
    ASSERT_EQ(migrated.exit_code, 0) << migrated.err;
    Instance instance{file, {}};

    for (std::size_t i = 0; i < kinds.size(); ++i) {
        const auto& kind = kinds[i];
        const auto t = name_of("t", i);
        const auto u = name_of("u", i);
        const auto note = [&](const std::string& table) {
            return http_get(instance.port(), "/" + table + "/" + kind.asked).body;
        };
        const auto cached = [&](const std::string& table, const std::string& text) {
            return eventually([&] {
                const auto answer = http_get(instance.port(), "/" + table + "/" + kind.asked);
                return answer.body.find(text) != std::string::npos &&
                       answer.header("Cache-Status").value_or("").starts_with("sluice; hit");
            });
        };
        const auto described = kind.type + " " + kind.value;
        ASSERT_TRUE(cached(t, "one")) << described << note(t);
        sql("update tag_test." + t + " set note = 'two'");
        EXPECT_TRUE(cached(t, "two")) << described << ", by the trigger";

        ASSERT_TRUE(cached(u, "one")) << described;
        const std::string json = "Content-Type: application/json\r\n";
        EXPECT_EQ(http_post(instance.port(), "/" + u, R"({"note":"two"})", json).status, 200u) << described;
        EXPECT_TRUE(cached(u, "two")) << described << ", by the row that a write returns";
        EXPECT_EQ(HttpClient{instance.port()}.request("PUT", "/" + u + "/" + kind.asked, R"({"note":"three"})", json).status,
                  204u);
        EXPECT_TRUE(cached(u, "three")) << described << ", by a write's parameter";
        sql("update tag_test." + u + " set note = 'four'");
        EXPECT_THAT(note(u), HasSubstr("three")) << described << ": nobody has told";
        const auto purged =
            run_command({sluice_program(), "purge", "--config",
                         directory
                             .write("purge.yaml", "server: { admin: '127.0.0.1:" + std::to_string(instance.admin_port()) +
                                                      "', admin_token: secret-of-the-admin }\n")
                             .string(),
                         "--tag", u + ":" + kind.purged});
        EXPECT_EQ(purged.exit_code, 0) << purged.err;
        EXPECT_TRUE(cached(u, "four")) << described << ", by a purge";
    }
    instance.signal(SIGTERM);
    EXPECT_EQ(instance.wait(), 0);
    sql("drop schema tag_test cascade");
}

TEST_F(TagSpelling, ARouteCarriesOneTagForAValueOfOneType) {
    sql("drop table if exists public.acct; create table public.acct (code numeric, note text)");
    const TemporaryDirectory directory;
    const auto file =
        directory.write("api.yaml", "server: { listen: '127.0.0.1:0', admin: '127.0.0.1:0' }\npostgres: { primary: \"" +
                                        primary + "\" }\n" + R"(routes:
  GET /acct/{code}: { params: { code: number }, sql: "select note from acct where code = :code", cache: { ttl: 1h, max_age: 1s, tags: ["acct:{code}"] } }
  GET /free/{code}: { params: { code: string }, sql: "select 1 as one", cache: { ttl: 1h, max_age: 1s, tags: ["free:{code}"] } }
)");
    Instance instance{file, {}};
    const auto tags = [&](const std::string& path) {
        return http_get(instance.port(), path).header("Cache-Tag").value_or("");
    };
    EXPECT_TRUE(eventually([&] { return tags("/acct/5.00") == "acct:5"; })) << tags("/acct/5.00");
    EXPECT_EQ(tags("/acct/12345678901234567890123.10"), "acct:12345678901234567890123.1");
    EXPECT_EQ(tags("/free/5.00"), "free:5.00") << "a parameter that the SQL does not name is what it is declared to be";
    sql("drop table public.acct");
}

TEST_F(TagSpelling, AnOlderSchemaServesWithWhatTheRowsJsonTells) {
    sql("drop table if exists public.acct; create table public.acct (code numeric, note text); insert into public.acct "
        "values"
        " (12345678901234567890123, 'one'); drop function sluice.tag_of, sluice.tag_value");
    const TemporaryDirectory directory;
    const auto file =
        directory.write("api.yaml", "server: { listen: '127.0.0.1:0', admin: '127.0.0.1:0' }\npostgres: { primary: \"" +
                                        primary + "\" }\n" + R"(routes:
  POST /acct: { result: many, sql: "update acct set note = 'x' returning code", invalidates: ["acct:{code}"] }
)");
    Instance instance{file, {}};
    EXPECT_TRUE(eventually([&] {
        return http_post(instance.port(), "/acct", "", "").status == 200 &&
               sql("select name from sluice.invalidation limit 1").size() == 1;
    }));
    EXPECT_EQ(sql("select distinct name from sluice.invalidation").at(0).at(0), "acct:12345678901234567890123");
    sql("drop table public.acct");
}

TEST_F(TagSpelling, OfATextThatLooksLikeANumberIsTheTextInTriggers) {
    sql("drop table if exists public.commit_log; create table public.commit_log (hash text primary key)");
    const TrackedTable table{"commit_log", {"commit:{hash}"}, {}};
    postgres::track(primary, {&table, 1}, [](std::string_view) {});
    sql("insert into public.commit_log select i::text || 'e' || (i % 100)::text from generate_series(1, 900) i");
    EXPECT_EQ(sql("select count(*) from sluice.invalidation i join public.commit_log c on i.name = 'commit:' || c.hash")
                  .at(0)
                  .at(0),
              "900");
    sql("drop table public.commit_log");
}

}  // namespace sluice::test

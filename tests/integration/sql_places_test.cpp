// Errors of SQL in `sluice check`: at the word's own place in the file, in words of the user's own statement.
#include "support/postgres_fixture.hpp"

#include <gmock/gmock.h>

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string city = "column \"nam\" does not exist";

struct Wrong {
    std::string route;    // lines below `routes:`, from line 2 on
    std::string message;  // what follows the file's name
};

const std::vector<Wrong> mistakes{
    // ways of writing a text
    {"  GET /a: { sql: select nam as x from thing }\n", "2:25: GET /a: " + city},
    {"  GET /a:\n    sql: select nam as x from thing\n", "3:17: GET /a: " + city},
    {"  GET /a:\n    sql: select name,\n      nam as x\n      from thing\n", "4:7: GET /a: " + city},
    {"  GET /a:\n    sql: \"select nam as x from thing\"\n", "3:18: GET /a: " + city},
    {"  GET /a:\n    sql: 'select ''a'' as y, nam as x from thing'\n", "3:30: GET /a: " + city},
    {"  GET /a:\n    sql: \"select '\\\"\\u00e9\\n' as y,\n\n      nam as x\\\n      , 1 as z from thing\"\n",
     "5:7: GET /a: " + city},
    {"  GET /a:\n    sql: |\n      select name,\n        nam as x\n      from thing\n", "5:9: GET /a: " + city},
    {"  GET /a:\n    sql: |2-\n\n      select name,\n        nam as x\n      from thing\n", "6:9: GET /a: " + city},
    {"  GET /a:\n    sql: >\n      select name,\n      nam as x\n      from thing\n", "5:7: GET /a: " + city},
    {"  GET /a:\n    sql: >-  # folded\n\n      select name,\n\n      nam as x\n      from thing\n", "7:7: GET /a: " + city},
    {"  GET /a:\r\n    sql: |\r\n      select name,\r\n        nam as x\r\n      from thing\r\n", "5:9: GET /a: " + city},
    {"  GET /a:\n    sql: |\n      select 'größe €😀' as y, nam as x from thing\n", "4:31: GET /a: " + city},
    {"  GET /a:\n    summary: größe\n    sql: \"select 'ä' as \\u00fc, nam as x from thing\"\n", "4:33: GET /a: " + city},
    {"  GET /a:\n    sql: \"select ${COLUMNS_OF_A_TEST:-1, 2} as y, nam as x from thing\"\n", "3:51: GET /a: " + city},
    // behind parameters, whose text is another one for PostgreSQL
    {"  GET /a/{id}:\n    params: { id: integer }\n    sql: select :id::int as y, nam as x from thing where id = :id\n",
     "4:32: GET /a/{id}: " + city},
    {"  GET /a/{id}:\n    params: { id: integer }\n    sql: select name from thing where id = :id and nam = 'x'\n",
     "4:52: GET /a/{id}: " + city},
    {"  GET /a/{id}:\n    params: { id: integer }\n    sql: select name from thing :id\n",
     "4:33: GET /a/{id}: syntax error at or near \":id\""},
    {"  GET /a/{id}:\n    params: { id: integer }\n    sql: select name from thing where name = :id + 1\n",
     "4:44: GET /a/{id}: operator does not exist: "},
    // without a position, or at the end
    {"  GET /a:\n    sql: select name from thing where\n", "3:38: GET /a: syntax error at end of input"},
    {"  GET /a:\n    sql: |\n      select name from thing where -- x\n\n", "4:40: GET /a: syntax error at end of input"},
    {"  GET /a:\n    sql: select (name from thing\n", "3:23: GET /a: syntax error at or near \"from\""},
    {"  GET /a:\n    sql: select (name\n", "3:22: GET /a: syntax error at end of input"},
    {"  GET /a:\n    sql: select 1 as a)\n", "3:23: GET /a: syntax error at or near \")\""},
    {"  GET /a:\n    sql: select 1 as a) sluice_row, (select 2 as b\n", "3:23: GET /a: syntax error at or near \")\""},
    {"  GET /a:\n    sql: select 1 as a, 2 as b, 3 as a\n", "3:33: GET /a: two columns are called 'a'"},
    {"  GET /a:\n    sql: select id from thing where id = 1 for update\n", "3:44: GET /a: a GET must only read"},
    {"  GET /a:\n    sql: with x as (delete from thing returning id) select id from x\n",
     "3:21: GET /a: a GET must only read, and this statement modifies data"},
    {"  GET /a:\n    sql: delete from thing returning id\n", "3:10: GET /a: a GET must only read"},
    {"  GET /a:\n    sql: show timezone\n", "3:10: GET /a: 'show' answers no rows that can be made JSON: use select"},
    {"  GET /a:\n    sql: select id into other from thing\n", "3:25: GET /a: SELECT ... INTO is not allowed here"},
    {"  POST /a:\n    sql: update thing set name = 'x' where id = 1\n",
     "3:10: POST /a: the statement returns no rows: add `returning …` or set `result: none`"},
    {"  POST /a:\n    result: none\n    sql: update thing set nam = 'x' where id = 1\n",
     "4:27: POST /a: column \"nam\" of relation \"thing\" does not exist"},
    {"  POST /a:\n    sql: insert into thing (id) values (1) returning nam\n", "3:54: POST /a: " + city},
    // what the file alone shows
    {"  GET /a:\n    sql: |\n      select 1 as a;\n      select 2 as b\n",
     "4:20: SQL: one statement only: there is more after ';'"},
    {"  GET /a:\n    sql: |\n      select 'x as a\n", "4:14: SQL: the string is never closed"},
    {"  GET /a:\n    sql: |\n      select 1 as a /* x\n", "4:21: SQL: the comment is never closed"},
    {"  GET /a:\n    sql: |\n      select name from thing\n      where id = $1\n",
     "5:18: SQL: positional parameters such as $1 are not supported, use :name"},
    {"  GET /a:\n    sql: \\d thing\n", "3:10: SQL: '\\' is no SQL: commands such as \\d and \\copy are psql's"},
    {"  GET /a:\n    params: { name: string }\n    sql: select id from thing where name = ':name'\n",
     "3:15: parameter 'name' is declared but not used: ':name' in quotes or a comment is no parameter"},
};

}  // namespace

class SqlPlaces : public PostgresTest {
protected:
    TemporaryDirectory directory;

    CommandResult check(const std::string& routes, const std::string& more = {}) {
        const auto file =
            directory.write("api.yaml", "routes:\n" + routes + "postgres: { primary: \"" + primary + "\" }\n" + more);
        return run_command({sluice_program(), "check", "--config", file.string()});
    }
};

TEST_F(SqlPlaces, AreThoseOfTheWordInTheFile) {
    for (const auto& [route, message] : mistakes) {
        const auto result = check(route);
        EXPECT_EQ(result.exit_code, 1) << route;
        const auto name = (directory.path() / "api.yaml:").string();
        EXPECT_THAT(result.err, StartsWith(name + message)) << route;
        for (const auto* ours : {"sluice_", "row_to_json", "json_agg", "$1", "$2"}) {
            if (message.find(ours) == std::string::npos)
                EXPECT_THAT(result.err.substr(name.size()), Not(HasSubstr(ours))) << route;
        }
    }
}

TEST_F(SqlPlaces, AreThoseOfAnIncludedFile) {
    const auto included =
        directory.write("more.yaml", "# größe\nroutes:\n  GET /b:\n    sql: |\n      select nam as x\n      from thing\n");
    const auto result = check("  GET /a: { sql: select 1 as one }\n", "include: [more.yaml]\n");
    EXPECT_THAT(result.err, StartsWith(included.string() + ":5:14: GET /b: " + city));
}

TEST_F(SqlPlaces, OfAPageAreThoseOfItsColumn) {
    const std::string secret = "auth: { key_secrets: [0123456789abcdef] }\n";
    const auto paged = [](const std::string& by, const std::string& sql) {
        return "  GET /a:\n    page: { by: [" + by + "] }\n    sql: " + sql + "\n";
    };
    EXPECT_THAT(
        check(paged("name, nam", "select id, name from thing"), secret).err,
        HasSubstr(
            ":3:24: GET /a: page: column \"nam\" does not exist (Perhaps you meant to reference the column \"name\".)"));
    EXPECT_THAT(check(paged("j", "select id, '{}'::json as j from thing"), secret).err,
                HasSubstr(":3:18: GET /a: page: could not identify an ordering operator for type json"));
    EXPECT_THAT(check(paged("id", "select id, nam as x from thing"), secret).err, HasSubstr(":4:21: GET /a: " + city));
}

// Where the statement is right there is nothing to say.
TEST_F(SqlPlaces, AreNotNeeded) {
    for (const std::string sql : {"select name from thing -- x", "select name from thing;", "select name from thing; -- x",
                                  "(select name from thing)", "values (1)", "table thing", "select ':x' as a",
                                  "select 'größe' as \"größe\" /* $1 \\d */"}) {
        const auto result = check("  GET /a:\n    sql: |\n      " + sql + "\n");
        EXPECT_EQ(result.exit_code, 0) << sql << result.err;
    }
}

}  // namespace sluice::test

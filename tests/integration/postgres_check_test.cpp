// What the checker says of statements.
#include "postgres/pool/statement_check.hpp"
#include "support/postgres_fixture.hpp"

namespace sluice::test {

using postgres::check_statements;

class PostgresCheck : public PostgresTest {
protected:
    static StatementSpec spec(std::string sql, bool read_only = true, ResultShape result = ResultShape::many) {
        StatementSpec made;
        made.name = "GET /x";
        made.sql = std::move(sql);
        made.parameters = {"i", "s", "n", "b", "a"};
        made.parameter_types = {ParameterType::integer, ParameterType::string, ParameterType::number, ParameterType::boolean,
                                ParameterType::array};
        made.result = result;
        made.read_only = read_only;
        made.labelled = read_only;
        return made;
    }
    static StatementSpec collapsing(std::string sql) {
        auto made = spec(std::move(sql));
        made.collapse = true;
        return made;
    }
};

// Situation S37.
TEST_F(PostgresCheck, ARowIsNoParameter) {
    sql("drop type if exists public.pair cascade; create type public.pair as (a int, b text); create domain public.twin as"
        " public.pair; create or replace function public.first_of(p public.pair) returns int language sql as 'select p.a'");
    const std::vector<StatementSpec> specs{
        spec("select public.first_of(:s) as a"),
        spec("select (:s::public.pair).a"),
        spec("select cardinality(:a::public.pair[]) as n"),
        spec("select (:s::public.twin).a"),
        spec("select (jsonb_populate_record(null::public.pair, :s::jsonb)).a"),
    };
    const auto problems = check_statements(primary, specs);
    ASSERT_EQ(problems.size(), 4U);
    for (std::size_t i = 0; i < problems.size(); ++i) {
        EXPECT_EQ(problems[i].index, i);
        EXPECT_NE(problems[i].message.find("would have to be a row"), std::string::npos) << problems[i].message;
    }
    sql("drop type public.pair cascade");
}

TEST_F(PostgresCheck, WritesOfEveryFormAreTakenOrTheMessageNamesTheWayOut) {
    sql("create or replace procedure public.work(a int, inout b int) language sql as 'select 1'");
    constexpr auto none = ResultShape::none;
    constexpr auto one = ResultShape::one;
    const auto merge =
        std::string{"merge into thing using (select :i::int as i) s on thing.id = s.i when matched then delete"};
    const auto write_list = std::string{"with gone as (delete from thing where id = :i returning id, name)"};
    const std::vector<StatementSpec> right{
        spec(write_list + " select id, name from gone", false, one),
        spec(write_list + ", more as (insert into thing (id, name) select id + 1, name from gone returning id) select * from"
                          " more",
             false),
        spec(write_list + " insert into thing (id, name) select id, :s from gone returning *", false, one),
        spec(write_list + " select 1 as a", false, none),
        spec(merge, false, none),
        spec("call public.work(:i, 1)", false, none),
    };
    for (const auto& problem : check_statements(primary, right)) ADD_FAILURE() << problem.index << ": " << problem.message;
    const std::string function = "let a function do it";
    const std::vector<std::pair<StatementSpec, std::string>> wrong{
        {spec("call public.work(:i, 1)", false, one), "a `call` answers no rows: set `result: none`"},
        {spec(merge, false, one), "a `merge` answers no rows before PostgreSQL 17: set `result: none`"},
        {spec("with m as (" + merge + ") select 1 as a", false, one), function},
        {spec(write_list + " select id from gone"), "a GET must only read"},
        {spec("call public.work(:i, 1)"), "a GET must only read"},
        {spec("delete from thing where tags = :s returning id", false, one), "where it is cast, `:s::text[]`"},
        {spec(write_list + " select nam from gone", false, one), "column \"nam\" does not exist"},
    };
    for (const auto& [statement, message] : wrong) {
        const auto problems = check_statements(primary, std::vector{statement});
        ASSERT_EQ(problems.size(), 1U) << statement.sql;
        EXPECT_NE(problems[0].message.find(message), std::string::npos) << problems[0].message;
    }
    const auto place = check_statements(primary, std::vector{wrong.back().first}).at(0).offset;
    EXPECT_EQ(place, wrong.back().first.sql.find("nam from"));
    sql("drop procedure public.work(int, int)");
}

TEST_F(PostgresCheck, AColumnThatIsNeededIsThere) {
    auto needs = spec("select id, name from thing where id = :i", true, ResultShape::one);
    needs.needed_columns = {"id", "nam", "name"};
    const auto problems = check_statements(primary, std::vector{needs});
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems[0].needed_column, 1U);
    EXPECT_EQ(problems[0].message, "the answer has no column 'nam'");
}

TEST_F(PostgresCheck, AVersionIsAColumnOfTheResult) {
    const auto versioned = [](std::string sql) {
        auto made = spec(std::move(sql), true, ResultShape::one);
        made.versioned = true;
        return made;
    };
    const std::vector<StatementSpec> specs{
        versioned("select id, 1 as version from thing where id = :i"),
        versioned("select id from thing"),
        versioned("with v as (select xmin::text as version from thing) select * from v -- the end"),
    };
    const auto problems = check_statements(primary, specs);
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems[0].index, 1U);
    EXPECT_EQ(problems[0].message, "'etag: version' needs one column of the result to be called 'version'");
}

TEST_F(PostgresCheck, SaysWhatIsWrongAndWhere) {
    struct Case {
        StatementSpec spec;
        std::string message;  // a part of it; empty: nothing is wrong
        std::string at;       // the offset is where this stands; empty: none
    };
    const std::vector<Case> cases{
        {spec("select * from thing where id = :i and name = :s and price > :n and tags = :a and :b"), "", ""},
        {spec("select * from thing where :i is null or id = :i -- :s"), "", ""},
        {spec("select :n is null as n, :a is null as a, :s is null as s, :b is null as b"), "", ""},
        {spec("select * from thing where name = :s;"), "", ""},
        {spec("select 1 as sluice, 2 as q"), "", ""},
        {spec("insert into thing (id, name) values (:i, :s)", false, ResultShape::none), "", ""},
        {spec("insert into thing (id, name) values (:i, :s) returning *", false, ResultShape::one), "", ""},
        {spec("select pg_sleep(0)", false), "", ""},
        {spec("select * from thing where id = :s"), "parameter 's' is declared string but PostgreSQL expects integer", ":s"},
        {spec("select * from thing where name = :i"), "parameter 'i' is declared integer but PostgreSQL expects text", ":i"},
        {spec("select * from thing where id = :n"), "parameter 'n' is declared number but PostgreSQL expects integer", ":n"},
        {spec("select * from thing where name = any(:s)"), "'s' is declared string but PostgreSQL expects text[]", ":s"},
        {spec("select * from thing limit :b"), "'b' is declared boolean but PostgreSQL expects bigint", ":b"},
        {spec("select 'größe' as \"größe\", nmae from thing"), "column \"nmae\" does not exist", "nmae"},
        {spec("select name, :i::int\n  from thnig"), "relation \"thnig\" does not exist", "thnig"},
        {spec("select * from thing where id == :i"), "operator does not exist: integer == ", "=="},
        {spec("select * fro thing"), "syntax error at or near \"fro\"", "fro"},
        {spec("select * from thing where id ="), "syntax error", ""},
        {spec("select $1"), "positional parameters", "$1"},
        {spec("select :unknown"), "no parameter is called 'unknown'", ""},
        {spec("delete from thing returning *"), "a GET must only read", "delete"},
        {spec("with gone as (delete from thing returning *) select * from gone"), "a GET must only read", "delete"},
        {spec("select * from thing where id = :i for update"), "locks rows", "for update"},
        {spec("select * from (select * from thing for share) t"), "locks rows", "for share"},
        {collapsing("select * from thing where id = :i and name = :s and :b order by price limit :i"), "", ""},
        {collapsing("select * from thing where :s is null or name = :s"), "", ""},
        {collapsing("with t as (select :n::numeric as n) select * from t union select price from thing where id = :i"), "",
         ""},
        {collapsing("select * from thing where tags = :a"), "'collapse' needs parameters of single values, not arrays", ""},
        {collapsing("select * from thing where id = :i and random () < 1"), "stable or immutable, and random is volatile",
         "random"},
        {collapsing("select \"random\"(), :i::int"), "random is volatile", ""},
        {collapsing("select id as random, 'random' as other from thing where id = :i"), "", ""},
        {collapsing("select pg_advisory_lock_shared(:i)"), "does not work with set_config or advisory locks", ""},
        {collapsing("select :i::int, lower(:s), now()"), "", ""},
        {collapsing("select * from thing where id = any(string_to_array(:s, ',')::int[])"), "", ""},
        {collapsing("select count(*) from thing having count(*) > :i"), "", ""},
        {collapsing("select * from thing where idd = :i"), "column \"idd\" does not exist", "idd"},
        {spec("update thing set name = :s", false, ResultShape::one), "add `returning", "update"},
        {spec("select id as a, name as b, 2 as \"a\" from thing"), "two columns are called 'a'", "2 as"},
        {spec("select id, id is distinct from 1 as x, name as x from thing"), "two columns are called 'x'", "name as x"},
        {spec("select * from thing t join thing o using (id)"), "two columns are called 'name'", "* from"},
        {spec("select 1 as id, t.* from thing t"), "two columns are called 'id'", "t.*"},
        {spec("select t.*, upper(name) as name from thing t"), "two columns are called 'name'", "upper"},
        {spec("select id, count(*), price + 1 from thing group by id"), "column 3 has no name: write `as name`",
         "price + 1"},
        {spec("select distinct on (id) id, 'a' || name from thing"), "column 2 has no name", "'a'"},
        {spec("select id, (select count(*) from (select 1, 2) n) as n from thing"), "", ""},
        {spec("select id, name from (select id, name, 1 as x, 2 as x from thing) t"), "", ""},
        {spec("with t as (select 1, 2) select 3 as id from t union all select id from thing"), "", ""},
        {spec("(select 1)"), "column 1 has no name", ""},
        {spec("insert into thing select 3, 'three' returning id, name, price as id", false, ResultShape::one),
         "two columns are called 'id'", "price as"},
        {spec("update thing set name = 'x' returning 1", false, ResultShape::many), "column 1 has no name", "1"},
        {spec("update thing set name = 'x' returning 1", false, ResultShape::none), "", ""},
        {spec("insert into thing (id) values ('x')", false, ResultShape::none), "invalid input syntax for type integer",
         "'x'"},
    };
    std::vector<StatementSpec> specs;
    specs.reserve(cases.size());
    for (const auto& item : cases) specs.push_back(item.spec);
    const auto problems = check_statements(primary, specs);
    for (std::size_t i = 0; i < cases.size(); ++i) {
        const auto& [checked, message, at] = cases[i];
        const auto found = std::find_if(problems.begin(), problems.end(), [&](const auto& p) { return p.index == i; });
        if (message.empty()) {
            EXPECT_TRUE(found == problems.end()) << checked.sql << ": " << found->message;
            continue;
        }
        if (found == problems.end()) {
            ADD_FAILURE() << "nothing was found in: " << checked.sql;
            continue;
        }
        EXPECT_NE(found->message.find(message), std::string::npos) << checked.sql << ": " << found->message;
        if (!at.empty()) {
            EXPECT_EQ(found->offset, checked.sql.find(at)) << checked.sql << ": " << found->message;
        }
    }
    EXPECT_EQ(sql("select count(*) from thing").at(0).at(0), "2") << "nothing was executed";
}

TEST_F(PostgresCheck, ManyStatementsOnOneConnection) {
    std::vector<StatementSpec> specs(200, spec("select * from thing where id = :i and (:s is null or name = :s)"));
    specs.push_back(spec("select wrong"));
    const auto problems = check_statements(primary, specs);
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems[0].index, 200U);
}

TEST_F(PostgresCheck, WithoutTheSchemaStatementsAreCheckedAllTheSame) {
    sql("drop schema sluice cascade");
    EXPECT_TRUE(check_statements(primary, std::vector{spec("select 1 as x")}).empty());
    EXPECT_EQ(check_statements(primary, std::vector{spec("select x")}).size(), 1U);
}

TEST_F(PostgresCheck, AnUnreachableServerIsNoVerdict) {
    stack.kill("primary");
    EXPECT_THROW(check_statements(primary, std::vector{spec("select 1 as x")}), postgres::ConnectionLost);
}

}  // namespace sluice::test

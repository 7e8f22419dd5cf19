#include "sql/statement.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace sluice::postgres {
namespace {

StatementSpec spec(std::string sql, ResultShape result, bool read_only) {
    StatementSpec made;
    made.name = "GET /x";
    made.sql = std::move(sql);
    made.parameters = {"a", "b"};
    made.parameter_types = {ParameterType::integer, ParameterType::array};
    made.result = result;
    made.read_only = read_only;
    return made;
}

sql::Statement read(std::string sql, ResultShape result = ResultShape::many) {
    return sql::Statement{spec(std::move(sql), result, true)};
}
sql::Statement write(std::string sql, ResultShape result) { return sql::Statement{spec(std::move(sql), result, false)}; }

}  // namespace

TEST(Statement, WrapsReadsAsASubquery) {
    EXPECT_EQ(read("select 1 as x").plain().text,
              "select coalesce(json_agg(sluice_row), '[]')::text from (select 1 as x\n) sluice_row");
    EXPECT_EQ(read("select 1 as x", ResultShape::one).plain().text,
              "select row_to_json(sluice_row)::text from (select 1 as x\n) sluice_row limit 1");
}

TEST(Statement, LetsTheServerCompareTheLengthOfTheJson) {
    auto of = spec("select 1 as x", ResultShape::one, true);
    of.max_answer = 100;
    const std::string error = "('sluice max_answer ' || octet_length(sluice_json))::int::text";
    EXPECT_EQ(sql::Statement{of}.plain().text,
              "select case when octet_length(sluice_json) > 100 then " + error +
                  " else sluice_json end from (select row_to_json(sluice_row)::text as sluice_json from (select 1 as x\n)"
                  " sluice_row limit 1) sluice_answer");
    of.read_only = false;
    of.sql = "delete from t returning *";
    of.result = ResultShape::many;
    EXPECT_NE(sql::Statement{of}.plain().text.find(" else coalesce(json_agg(sluice_row), '[]')::text end, (select"),
              std::string::npos);
}

TEST(Statement, LetsTheServerCutTheJsonForNextToNothing) {
    auto of = spec("select 1 as x", ResultShape::one, true);
    of.max_answer = 100;
    EXPECT_EQ(sql::Statement{of}.plain({}, sql::PageStep::first, 10).text,
              "select row_to_json(sluice_row)::text::varchar(10) from (select 1 as x\n) sluice_row limit 1");
    of.result = ResultShape::many;
    EXPECT_EQ(sql::Statement{of}.labelled({}, sql::PageStep::first, 10).text,
              "select (select coalesce(json_agg(sluice_row), '[]')::text::varchar(10) from (select 1 as x\n) sluice_row),"
              " pg_current_snapshot()::text");
    EXPECT_NE(sql::Statement{of}.collapsed({}, 10).text.find("::varchar(10) from (select 1 as x"), std::string::npos);
    of.page_by.resize(1);
    of.page_by[0].name = "x";
    EXPECT_NE(
        sql::Statement{of}.plain({}, sql::PageStep::first, 10).text.find("::varchar(10) from (select * from sluice_page"),
        std::string::npos);
}

TEST(Statement, KnowsTheLengthThatWasRefused) {
    EXPECT_EQ(sql::refused_size("22P02", R"(invalid input syntax for type integer: "sluice max_answer 123")"), 123u);
    EXPECT_EQ(sql::refused_size("22P02", R"(ungültige Eingabesyntax für Typ integer: »sluice max_answer 98765432«)"),
              98765432u);
    EXPECT_EQ(sql::refused_size("22P02", R"(invalid input syntax for type integer: "x")"), std::nullopt);
    EXPECT_EQ(sql::refused_size("22003", "sluice max_answer 5"), std::nullopt);
    EXPECT_EQ(sql::refused_size("22P02", "sluice max_answer "), std::nullopt);
}

TEST(Statement, WrapsWritesAsACommonTableExpressionUnlessTheyReturnNothing) {
    EXPECT_EQ(write("delete from t", ResultShape::none).plain().text, "delete from t");
    EXPECT_EQ(
        write("delete from t returning *", ResultShape::one).plain().text,
        "with sluice_row as (delete from t returning *\n) select row_to_json(sluice_row)::text from sluice_row limit 1");
    EXPECT_EQ(write("delete from t returning *", ResultShape::many).plain().text,
              "with sluice_row as (delete from t returning *\n) select coalesce(json_agg(sluice_row), '[]')::text,"
              " (select row_to_json(sluice_row)::text from sluice_row limit 1) from sluice_row");
}

TEST(Statement, TheWithListOfAWriteGoesBeforeItsOwn) {
    const std::string end = "\n) select row_to_json(sluice_row)::text from sluice_row limit 1";
    const auto one = [](std::string sql) { return write(std::move(sql), ResultShape::one).plain().text; };
    EXPECT_EQ(one("with x as (insert into t values (:a) returning a) select a, :b as b from x;"),
              "with x as (insert into t values ($1) returning a) , sluice_row as (select a, $2 as b from x" + end);
    EXPECT_EQ(one(" with recursive x(n) as not materialized (select 1), \"y,(\" as (select ') ,' as c) -- select\n"
                  "insert into t select * from x returning *"),
              "with recursive x(n) as not materialized (select 1), \"y,(\" as (select ') ,' as c) -- select\n"
              ", sluice_row as (insert into t select * from x returning *" +
                  end);
    EXPECT_EQ(
        one("with x as (select 1 as a) search depth first by a, a set o cycle a set c using p, z as (select 2) table z"),
        "with x as (select 1 as a) search depth first by a, a set o cycle a set c using p, z as (select 2) , "
        "sluice_row as (table z" +
            end);
    EXPECT_EQ(one("with insert as (select 1 as a) (select a from insert)"),
              "with insert as (select 1 as a) , sluice_row as ((select a from insert)" + end);
    EXPECT_EQ(write("with x as (select 1) delete from t", ResultShape::none).plain().text,
              "with x as (select 1) delete from t");
    EXPECT_EQ(read("with x as (select 1 as a) select a from x", ResultShape::one).plain().text,
              "select row_to_json(sluice_row)::text from (with x as (select 1 as a) select a from x\n) sluice_row limit 1");
}

TEST(Statement, TellsWhatStandsInTagsForTheFirstRowOfAWrite) {
    const auto tagged = [](ResultShape result) {
        StatementSpec spec;
        spec.sql = "delete from t returning *";
        spec.result = result;
        spec.read_only = false;
        spec.tag_columns = {"id", "Code"};
        return sql::Statement{std::move(spec)}.tagged().text;
    };
    const std::string column =
        ", (select (select json_object(array['id', 'Code'], array[sluice.tag_of(\"id\"), sluice.tag_of(\"Code\")]) from"
        " sluice_row limit 1)::text from (select null::text as \"id\", null::text as \"Code\") sluice_absent)";
    EXPECT_EQ(tagged(ResultShape::one),
              "with sluice_row as (delete from t returning *\n) select row_to_json(sluice_row)::text" + column +
                  " from sluice_row limit 1");
    EXPECT_EQ(tagged(ResultShape::many),
              "with sluice_row as (delete from t returning *\n) select coalesce(json_agg(sluice_row), '[]')::text,"
              " (select row_to_json(sluice_row)::text from sluice_row limit 1)" +
                  column + " from sluice_row");
}

TEST(Statement, CollapsesCallsIntoARowForEach) {
    const auto one = read("select * from t where a = :a and b = :b -- by :c", ResultShape::one);
    const auto rendered = one.collapsed();
    EXPECT_EQ(rendered.text,
              "select sluice_call.number, (select row_to_json(sluice_row)::text from (select * from t where a ="
              " $1[sluice_call.number] and b = $2[sluice_call.number] -- by :c\n) sluice_row limit 1)"
              " from unnest((select $1)) with ordinality sluice_call(value, number)");
    EXPECT_EQ(rendered.source_offset(rendered.text.find("$2[")), one.spec().sql.find(":b"));
    auto labelled = read("select :a").spec();
    labelled.labelled = true;
    EXPECT_EQ(sql::Statement{labelled}.collapsed().text,
              "select sluice_call.number, (select coalesce(json_agg(sluice_row), '[]')::text from (select"
              " $1[sluice_call.number]\n) sluice_row), pg_current_snapshot()::text"
              " from unnest((select $1)) with ordinality sluice_call(value, number)");
}

TEST(Statement, NumbersEveryOccurrenceByItself) {
    const auto statement = write("select :b, ':a', :a, :b::text[] -- :a\n;", ResultShape::none);
    EXPECT_EQ(statement.plain().text, "select $1, ':a', $2, $3::text[] -- :a");
    ASSERT_EQ(statement.argument_count(sql::Statement::each_its_own), 3U);
    EXPECT_EQ(statement.parameter_of(1, sql::Statement::each_its_own), 1U);
    EXPECT_EQ(statement.parameter_of(2, sql::Statement::each_its_own), 0U);
    EXPECT_EQ(statement.parameter_of(3, sql::Statement::each_its_own), 1U);
}

TEST(Statement, OccurrencesThatShareANumberPartByKind) {
    const auto statement = write("select :b, :a, :b, :b", ResultShape::none);
    sql::Statement::Hints hints;
    ASSERT_TRUE(statement.share(hints));
    EXPECT_FALSE(statement.share(hints)) << "they do already";
    EXPECT_EQ(statement.plain(hints).text, "select $1, $2, $1, $1");
    EXPECT_EQ(statement.argument_count(hints), 2U);
    EXPECT_EQ(statement.parameter_of(2, hints), 0U);
    EXPECT_EQ(statement.source_of(2, hints), 11U);
    const std::string sql = statement.spec().sql;
    ASSERT_TRUE(statement.part(hints, sql.rfind(":b")));
    EXPECT_EQ(statement.plain(hints).text, "select $1, $2, $1, $3");
    ASSERT_TRUE(statement.part(hints, sql.rfind(":b"))) << "the nearest that shares one";
    EXPECT_EQ(statement.plain(hints).text, "select $1, $2, $3, $3") << "as those of the next kind do";
    ASSERT_TRUE(statement.part(hints, sql.rfind(":b")));
    EXPECT_EQ(statement.plain(hints).text, "select $1, $2, $3, $4");
    EXPECT_FALSE(statement.part(hints, 0)) << "none shares one any more";
    sql::Statement::Hints none;
    EXPECT_FALSE(write("select :a, :b", ResultShape::none).share(none)) << "no name occurs twice";
    EXPECT_EQ(none, sql::Statement::each_its_own);
}

TEST(Statement, GivesHintedOccurrencesTheirDeclaredType) {
    EXPECT_EQ(write("select :a is null, :a, :b is null", ResultShape::none).plain({{1, 3}, {}, {}, {}}).text,
              "select ($1::bigint) is null, $2, ($3::text[]) is null");
}

TEST(Statement, ALabelIsTheSnapshotOfTheStatement) {
    EXPECT_EQ(read("select :a as x", ResultShape::one).labelled().text,
              "select (select row_to_json(sluice_row)::text from (select $1 as x\n) sluice_row limit 1),"
              " pg_current_snapshot()::text");
}

TEST(Statement, RefusesUnknownParametersAndWhatCannotBeScanned) {
    EXPECT_THROW(read("select :c"), std::invalid_argument);
    EXPECT_THROW(read("select 'x"), std::invalid_argument);
}

TEST(Statement, IsNotPipelinedIfItWritesOrLeavesSomethingInItsTransaction) {
    EXPECT_TRUE(read("select 1 as x").can_be_pipelined());
    EXPECT_FALSE(write("delete from t", ResultShape::none).can_be_pipelined());
    EXPECT_FALSE(read("select set_config('app.user', 'x', true)").can_be_pipelined());
    EXPECT_FALSE(read("select Set_Config('app.user', 'x', true)").can_be_pipelined());
    EXPECT_FALSE(read("select pg_advisory_xact_lock(1)").can_be_pipelined());
}

TEST(Rendered, FindsTheWayBackToTheUsersSql) {
    const std::string sql = "  select :a, x from :b";
    const auto rendered = read(sql).plain({{1}, {}, {}, {}});
    const auto at = [&](std::string_view what) { return rendered.text.find(what); };
    EXPECT_EQ(rendered.source_offset(0), 2U);
    EXPECT_EQ(rendered.source_offset(at("select ($1")), 2U);
    EXPECT_EQ(rendered.source_offset(at("$1")), sql.find(":a"));
    EXPECT_EQ(rendered.source_offset(at(", x")), sql.find(", x"));
    EXPECT_EQ(rendered.source_offset(at("$2")), sql.find(":b"));
    EXPECT_EQ(rendered.source_offset(rendered.text.size()), sql.size()) << "what is wrapped around is the nearest end";
}

TEST(Statement, ReadsTheParameterOutOfAMessageInAnyLanguage) {
    EXPECT_EQ(sql::parameter_in_message("could not determine data type of parameter $12"), 12U);
    EXPECT_EQ(sql::parameter_in_message("konnte Datentyp von Parameter $3 nicht ermitteln"), 3U);
    EXPECT_EQ(sql::parameter_in_message("costs $ and $x"), std::nullopt);
}

TEST(ArrayLiteral, QuotesEveryElement) {
    const std::vector<std::string> values{"a", "", "b\"c", "d\\e", "f,g", "NULL"};
    EXPECT_EQ(sql::array_literal(values), R"({"a","","b\"c","d\\e","f,g","NULL"})");
    EXPECT_EQ(sql::array_literal({}), "{}");
    const std::vector<std::optional<std::string>> nullable{"a", {}, "null"};
    EXPECT_EQ(sql::array_literal_with_nulls(nullable), R"({"a",null,"null"})");
}

}  // namespace sluice::postgres

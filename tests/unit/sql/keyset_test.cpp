#include "sql/keyset.hpp"
#include "sql/statement.hpp"

#include <gmock/gmock.h>

namespace sluice::postgres {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

SortColumn up(std::string name) { return {std::move(name), false, {}}; }
SortColumn down(std::string name) { return {std::move(name), true, {}}; }

using Columns = std::vector<SortColumn>;

sql::Statement paged(std::string sql, Columns by) {
    StatementSpec spec;
    spec.name = "GET /x";
    spec.sql = std::move(sql);
    spec.parameters = {"a"};
    spec.parameter_types = {ParameterType::integer};
    spec.labelled = true;
    spec.page_by = std::move(by);
    return sql::Statement{std::move(spec)};
}

}  // namespace

TEST(Keyset, OrdersByQuotedNames) {
    EXPECT_EQ(sql::order_of(Columns{down("population"), up("id")}), R"("population" desc, "id")");
    EXPECT_EQ(sql::order_of(Columns{up("a\"b c")}), R"("a""b c")");
}

TEST(Keyset, DescendingColumnsAreComparedAsARowAndNoNullsFollow) {
    EXPECT_THAT(sql::ranges_behind(Columns{down("a"), down("b")}, 2), ElementsAre(R"(("a", "b") < ($2, $3))"));
    EXPECT_THAT(sql::ranges_behind(Columns{down("a")}, 1), ElementsAre(R"("a" < $1)"));
}

TEST(Keyset, BehindAscendingColumnsComeTheirNulls) {
    EXPECT_THAT(sql::ranges_behind(Columns{up("a")}, 1), ElementsAre(R"("a" > $1)", R"("a" is null)"));
    EXPECT_THAT(sql::ranges_behind(Columns{up("a"), up("b")}, 1),
                ElementsAre(R"(("a", "b") > ($1, $2))", R"("a" is null)", R"("a" = $1 and "b" is null)"));
}

TEST(Keyset, MixedDirectionsAreOneRangeForEachRunOfColumns) {
    EXPECT_THAT(sql::ranges_behind(Columns{down("a"), up("b")}, 3),
                ElementsAre(R"("a" < $3)", R"("a" = $3 and "b" > $4)", R"("a" = $3 and "b" is null)"));
    EXPECT_THAT(sql::ranges_behind(Columns{up("a"), down("b")}, 1),
                ElementsAre(R"("a" > $1)", R"("a" is null)", R"("a" = $1 and "b" < $2)"));
    EXPECT_THAT(sql::ranges_behind(Columns{down("a"), down("b"), up("c")}, 1),
                ElementsAre(R"(("a", "b") < ($1, $2))", R"("a" = $1 and "b" = $2 and "c" > $3)",
                            R"("a" = $1 and "b" = $2 and "c" is null)"));
    EXPECT_THAT(sql::ranges_behind(Columns{down("a"), up("b"), up("c")}, 1),
                ElementsAre(R"("a" < $1)", R"("a" = $1 and ("b", "c") > ($2, $3))", R"("a" = $1 and "b" is null)",
                            R"("a" = $1 and "b" = $2 and "c" is null)"));
}

TEST(Keyset, TheConditionForNullsComparesEveryColumnWithNullsInItsOrder) {
    EXPECT_EQ(sql::condition_behind(Columns{down("a")}, 1), R"("a" < $1 or ("a" is not null and $1 is null))");
    EXPECT_EQ(sql::condition_behind(Columns{up("a"), down("b")}, 2),
              R"("a" > $2 or ("a" is null and $2 is not null) or ("a" is not distinct from $2 and )"
              R"(("b" < $3 or ("b" is not null and $3 is null))))");
}

TEST(Keyset, TheStepFollowsFromTheCursor) {
    EXPECT_EQ(sql::step_to(std::nullopt), sql::PageStep::first);
    EXPECT_EQ(sql::step_to(PagePosition{20, {}}), sql::PageStep::first);
    EXPECT_EQ(sql::step_to(PagePosition{20, {"1", "2"}}), sql::PageStep::behind);
    EXPECT_EQ(sql::step_to(PagePosition{20, {"1", std::nullopt}}), sql::PageStep::behind_nulls);
    EXPECT_EQ(sql::page_steps(Columns{}).size(), 1U) << "without pages there is one text";
    EXPECT_EQ(sql::page_steps(Columns{up("a")}).size(), 3U);
}

TEST(PagedStatement, TheFirstPageReadsOneRowMoreThanItAnswers) {
    const auto text = paged("select * from t where a = :a -- all", {down("p"), up("id")}).plain().text;
    EXPECT_EQ(text,
              "with sluice_page as materialized (select * from (select * from t where a = $1 -- all\n) sluice_row"
              " order by \"p\" desc, \"id\" limit $2::bigint + 1)"
              " select (select coalesce(json_agg(sluice_row), '[]')::text from (select * from sluice_page limit $2::bigint)"
              " sluice_row), (select json_build_array(\"p\"::text, \"id\"::text)::text from sluice_page"
              " where (select count(*) from sluice_page) > $2::bigint limit 1 offset $2::bigint - 1)");
}

TEST(PagedStatement, ASingleRangeIsAWhereClause) {
    const auto text = paged("select 1", {down("p"), down("id")}).plain({}, sql::PageStep::behind).text;
    EXPECT_THAT(text,
                StartsWith("with sluice_page as materialized (select * from (select 1\n) sluice_row"
                           " where (\"p\", \"id\") < ($2, $3) order by \"p\" desc, \"id\" desc limit $1::bigint + 1)"));
}

TEST(PagedStatement, SeveralRangesAreMergedEachLimitedByItself) {
    const auto statement = paged("select :a", {down("p"), up("id")});
    const auto text = statement.plain({}, sql::PageStep::behind).text;
    const std::string tail = " order by \"p\" desc, \"id\" limit $2::bigint + 1)";
    EXPECT_THAT(text,
                StartsWith("with sluice_page as materialized (select * from ("
                           "(select * from (select $1\n) sluice_row where \"p\" < $3" +
                           tail + " union all (select * from (select $1\n) sluice_row where \"p\" = $3 and \"id\" > $4" +
                           tail + " union all (select * from (select $1\n) sluice_row where \"p\" = $3 and \"id\" is null" +
                           tail + ") sluice_row" + tail));
    EXPECT_EQ(statement.page_argument_count(sql::PageStep::first), 1U);
    EXPECT_EQ(statement.page_argument_count(sql::PageStep::behind), 3U);
    EXPECT_THAT(statement.plain({{1}, {}, {}, {}}, sql::PageStep::behind).text,
                HasSubstr("select ($1::bigint)\n) sluice_row where \"p\" = $3"))
        << "a hint holds in every copy";
}

TEST(PagedStatement, TheKeyIsTheLastColumnBehindALabel) {
    const auto statement = paged("select :a", {up("id")});
    EXPECT_THAT(statement.labelled().text, HasSubstr("sluice_row), pg_current_snapshot()::text, (select json_build_array("));
}

TEST(PagedStatement, TellsTheUsersSqlFromWhatIsWrappedAround) {
    const std::string sql = "select \"id\" from t where a = :a";
    const auto rendered = paged(sql, {up("id")}).plain({}, sql::PageStep::behind);
    const auto first = rendered.text.find("\"id\"");
    EXPECT_TRUE(rendered.from_source(first));
    EXPECT_EQ(rendered.source_offset(first), sql.find("\"id\""));
    const auto second = rendered.text.find("where \"id\" is null");
    EXPECT_FALSE(rendered.from_source(second));
    const auto copy = rendered.text.rfind("select \"id\" from t");
    EXPECT_NE(copy, rendered.text.find("select \"id\" from t"));
    EXPECT_TRUE(rendered.from_source(copy)) << "also in the second copy";
    EXPECT_EQ(rendered.source_offset(copy), 0U);
}

}  // namespace sluice::postgres

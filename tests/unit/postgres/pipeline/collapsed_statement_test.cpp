#include "postgres/pipeline/collapsed_statement.hpp"

#include <gtest/gtest.h>

namespace sluice::postgres {
namespace {

sql::Statement statement(ResultShape result = ResultShape::one) {
    StatementSpec made;
    made.name = "GET /x";
    made.sql = "select :b, :a, :b";
    made.parameters = {"a", "b"};
    made.parameter_types = {ParameterType::integer, ParameterType::string};
    made.result = result;
    made.collapse = true;
    return sql::Statement{std::move(made)};
}

std::shared_ptr<const Query> call(Row values) {
    Query made;
    made.values = std::move(values);
    return std::make_shared<const Query>(std::move(made));
}

}  // namespace

TEST(CollapsedStatement, TakesAnArrayForEachOccurrence) {
    const std::vector calls{call({"1", "x"}), call({{}, ""}), call({"3", "a,\"b\\"})};
    const Row arrays{R"({"x","","a,\"b\\"})", R"({"1",null,"3"})", R"({"x","","a,\"b\\"})"};
    EXPECT_EQ(collapsed_arguments(statement(), sql::Statement::each_its_own, calls), arrays);
}

TEST(CollapsedStatement, NeedsATypeForEachArray) {
    const ArrayTypes types{1009, 1007, 1009};
    EXPECT_EQ(array_types(statement(), sql::Statement::each_its_own, {{"1009"}, {"1007"}, {"1009"}}), types);
    EXPECT_FALSE(array_types(statement(), sql::Statement::each_its_own, {{"1009"}, {{}}, {"1009"}}));
    EXPECT_FALSE(array_types(statement(), sql::Statement::each_its_own, {{"1009"}, {"1007"}}))
        << "it is not prepared, or another is";
    StatementSpec none;
    none.sql = "select 1";
    EXPECT_FALSE(array_types(sql::Statement{none}, sql::Statement::each_its_own, {}));
}

TEST(CollapsedStatement, GivesEachCallItsRow) {
    Rows rows{{"2", R"({"x":2})"}, {"1", {}}, {"3", R"({"x":3})"}};
    const auto results = take_collapsed(statement().spec(), rows, 3, {});
    ASSERT_TRUE(results);
    EXPECT_FALSE((*results)[0].found);
    EXPECT_EQ((*results)[0].json, "");
    EXPECT_EQ((*results)[1].json, R"({"x":2})");
    EXPECT_TRUE((*results)[1].found);
    EXPECT_EQ((*results)[2].json, R"({"x":3})");
    EXPECT_FALSE((*results)[2].label);
}

TEST(CollapsedStatement, GivesEachCallTheLabelOfAll) {
    auto spec = statement(ResultShape::many).spec();
    spec.labelled = true;
    Rows rows{{"1", "[]", "70:77:70,75"}, {"2", "[1]", "70:77:70,75"}};
    const auto results = take_collapsed(spec, rows, 2, {LabelSource::Kind::snapshot, 9});
    ASSERT_TRUE(results);
    for (const auto& result : *results) {
        ASSERT_TRUE(result.label);
        EXPECT_EQ(result.label->history, 9U);
        EXPECT_EQ(result.label->snapshot, (Snapshot{77, {70, 75}}));
    }
}

TEST(CollapsedStatement, DoesNotGuessWhoseRowsTheyAre) {
    const auto take = [](Rows rows) { return take_collapsed(statement().spec(), rows, 2, {}).has_value(); };
    EXPECT_TRUE(take({{"1", "{}"}, {"2", "{}"}}));
    EXPECT_FALSE(take({{"1", "{}"}}));
    EXPECT_FALSE(take({{"1", "{}"}, {"2", "{}"}, {"3", "{}"}}));
    EXPECT_FALSE(take({{"1", "{}"}, {"3", "{}"}}));
    EXPECT_FALSE(take({{"0", "{}"}, {"1", "{}"}}));
    EXPECT_FALSE(take({{"1", "{}"}, {"1", "{}"}})) << "the second has none";
}

}  // namespace sluice::postgres

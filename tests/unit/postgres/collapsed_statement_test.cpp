#include "postgres/collapsed_statement.hpp"

#include <gtest/gtest.h>

namespace sluice::postgres {
namespace {

Statement statement(ResultShape result = ResultShape::one) {
    StatementSpec made;
    made.name = "GET /x";
    made.sql = "select :b, :a, :b";
    made.parameters = {"a", "b"};
    made.parameter_types = {ParameterType::integer, ParameterType::string};
    made.result = result;
    made.collapse = true;
    return Statement{std::move(made)};
}

std::shared_ptr<const Query> call(Row values, std::vector<std::string> tags = {}) {
    Query made;
    made.values = std::move(values);
    made.tags = std::move(tags);
    return std::make_shared<const Query>(std::move(made));
}

}  // namespace

TEST(CollapsedStatement, TakesAnArrayForEachOccurrence) {
    const std::vector calls{call({"1", "x"}, {"t:2", "t:1"}), call({{}, ""}, {"t:2"}), call({"3", "a,\"b\\"})};
    const Row arrays{R"({"x","","a,\"b\\"})", R"({"1",null,"3"})", R"({"x","","a,\"b\\"})"};
    EXPECT_EQ(collapsed_arguments(statement(), calls, false), arrays);
    auto with_tags = arrays;
    with_tags.emplace_back(R"({"t:1","t:2"})");
    EXPECT_EQ(collapsed_arguments(statement(), calls, true), with_tags);
}

TEST(CollapsedStatement, NeedsATypeForEachArray) {
    const ArrayTypes types{1009, 1007, 1009};
    EXPECT_EQ(array_types(statement(), {{"1009"}, {"1007"}, {"1009"}}), types);
    EXPECT_EQ(array_types(statement(), {{"1009"}, {"1007"}, {"1009"}, {{}}}), types) << "the tags are an array";
    EXPECT_FALSE(array_types(statement(), {{"1009"}, {{}}, {"1009"}}));
    EXPECT_FALSE(array_types(statement(), {{"1009"}, {"1007"}})) << "it is not prepared, or another is";
    StatementSpec none;
    none.sql = "select 1";
    EXPECT_FALSE(array_types(Statement{none}, {}));
}

TEST(CollapsedStatement, GivesEachCallItsRow) {
    Rows rows{{"2", R"({"x":2})"}, {"1", {}}, {"3", R"({"x":3})"}};
    const auto results = take_collapsed(statement().spec(), rows, 3, false);
    ASSERT_TRUE(results);
    EXPECT_FALSE((*results)[0].found);
    EXPECT_EQ((*results)[0].json, "");
    EXPECT_EQ((*results)[1].json, R"({"x":2})");
    EXPECT_TRUE((*results)[1].found);
    EXPECT_EQ((*results)[2].json, R"({"x":3})");
    EXPECT_FALSE((*results)[2].label);
}

TEST(CollapsedStatement, GivesEachCallTheLabelOfAll) {
    Rows rows{{"1", "[]", "77", "{5,8}"}, {"2", "[1]", "77", "{5,8}"}};
    const auto results = take_collapsed(statement(ResultShape::many).spec(), rows, 2, true);
    ASSERT_TRUE(results);
    for (const auto& result : *results) {
        ASSERT_TRUE(result.label);
        EXPECT_EQ(result.label->xmin, 77U);
        EXPECT_EQ(result.label->seen, (std::vector<std::int64_t>{5, 8}));
    }
}

TEST(CollapsedStatement, DoesNotGuessWhoseRowsTheyAre) {
    const auto take = [](Rows rows) { return take_collapsed(statement().spec(), rows, 2, false).has_value(); };
    EXPECT_TRUE(take({{"1", "{}"}, {"2", "{}"}}));
    EXPECT_FALSE(take({{"1", "{}"}}));
    EXPECT_FALSE(take({{"1", "{}"}, {"2", "{}"}, {"3", "{}"}}));
    EXPECT_FALSE(take({{"1", "{}"}, {"3", "{}"}}));
    EXPECT_FALSE(take({{"0", "{}"}, {"1", "{}"}}));
    EXPECT_FALSE(take({{"1", "{}"}, {"1", "{}"}})) << "the second has none";
}

}  // namespace sluice::postgres

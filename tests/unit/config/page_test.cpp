// `page:` of a route.
#include "config_files.hpp"

#include <gmock/gmock.h>

namespace sluice::config {
namespace {

PageSettings page(const std::string& declaration) {
    return load_text(with_route("GET /a", "sql: select 1\npage: " + declaration)).routes.at(0).page.value();
}

}  // namespace

TEST(PageSection, ReadsColumnsAndSizes) {
    const auto read = page("{ by: [population desc, Größe asc, last name, id], size: 5, max: 50 }");
    ASSERT_EQ(read.by.size(), 4U);
    EXPECT_EQ(read.by[0].name, "population");
    EXPECT_TRUE(read.by[0].descending);
    EXPECT_EQ(to_string(read.by[0].location).substr(to_string(read.by[0].location).find(':')), ":4:18");
    EXPECT_EQ(read.by[1].name, "Größe");
    EXPECT_FALSE(read.by[1].descending);
    EXPECT_EQ(read.by[2].name, "last name");
    EXPECT_EQ(read.by[3].name, "id");
    EXPECT_EQ(read.size, 5U);
    EXPECT_EQ(read.max, 50U);
    EXPECT_EQ(read.location.line, 4);
}

TEST(PageSection, ASingleColumnNeedsNoListAndTheSizesHaveDefaults) {
    const auto read = page("{ by: id desc }");
    ASSERT_EQ(read.by.size(), 1U);
    EXPECT_EQ(read.by[0].name, "id");
    EXPECT_TRUE(read.by[0].descending);
    EXPECT_EQ(read.size, 20U);
    EXPECT_EQ(read.max, 100U);
    EXPECT_EQ(page("{ by: id, size: 500 }").max, 500U) << "no less than the size";
    EXPECT_EQ(page("{ by: id, max: 20 }").max, 20U);
}

TEST(PageSection, SaysWhatIsWrong) {
    const std::string sql = "sql: select 1\n";
    expect_mistakes({
        {with_route("POST /a", sql + "page: { by: id }"), {"c.yaml:4:5: 'page' is for GET"}},
        {with_route("GET /a", sql + "result: one\npage: { by: id }"), {"c.yaml:5:5: 'page' needs 'result: many'"}},
        {with_route("GET /a", sql + "page: {}"), {"c.yaml:4:5: 'page' needs 'by', the columns that order its rows"}},
        {with_route("GET /a", sql + "page: { by: [] }"), {"c.yaml:4:17: 'by' is an empty list"}},
        {with_route("GET /a", sql + "page: { by: [id, id desc] }"), {"c.yaml:4:22: 'by' names the column 'id' twice"}},
        {with_route("GET /a", sql + "page: { by: [id dsc] }"),
         {"c.yaml:4:18: the direction of 'id dsc' is 'asc' or 'desc', did you mean 'desc'?"}},
        {with_route("GET /a", sql + "page: { by: ['', desc] }"),
         {"c.yaml:4:18: 'by' names columns of the result, such as 'population desc', unlike ''"}},
        {with_route("GET /a", sql + "page: { by: id, size: 0 }"),
         {"c.yaml:4:27: 'size' must be a whole number from 1 to 10000, not '0'"}},
        {with_route("GET /a", sql + "page: { by: id, max: 10 }"),
         {"c.yaml:4:26: 'max' must be at least 'size', which is 20"}},
        {with_route("GET /a", sql + "page: { by: id, sise: 10 }"),
         {"c.yaml:4:21: unknown key 'sise', did you mean 'size'?"}},
        {with_route("GET /a", "sql: select :limit, :cursor\nparams: { limit: integer, cursor: string }\npage: { by: id }"),
         {"c.yaml:4:15: 'page' adds the query parameter 'limit' itself",
          "c.yaml:4:31: 'page' adds the query parameter 'cursor' itself"}},
        {with_route("GET /a", "sql: select :limit\npage: { by: id }"), {"c.yaml:3:17: unknown parameter ':limit'"}},
    });
}

}  // namespace sluice::config

// `page:` of a route.
#include "config_files.hpp"

#include <gmock/gmock.h>

namespace sluice::config {
namespace {

PageSettings page(const std::string& declaration) {
    return load_text(with_route("GET /a", "sql: select 1\npage: " + declaration)).routes.at(0).sql().page.value();
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

TEST(PageSection, ReadsSeveralOrders) {
    const auto read = page("{ orders: { newest: [-created_at, -id], name: [name, id], old: id }, default: name, size: 5 }");
    EXPECT_TRUE(read.by.empty());
    ASSERT_EQ(read.orders.size(), 3U);
    EXPECT_EQ(read.orders[0].name, "newest");
    ASSERT_EQ(read.orders[0].by.size(), 2U);
    EXPECT_EQ(read.orders[0].by[0].name, "created_at");
    EXPECT_TRUE(read.orders[0].by[0].descending && read.orders[0].by[1].descending);
    EXPECT_FALSE(read.orders[1].by[0].descending);
    EXPECT_EQ(read.orders[2].by.size(), 1U);
    EXPECT_EQ(read.default_order, 1U);
    const std::string sql = "sql: select 1\n";
    expect_mistakes({
        {with_route("GET /a", sql + "page: { orders: { a: id } }"),
         {"c.yaml:4:5: 'orders' needs 'default', the order where the client names none"}},
        {with_route("GET /a", sql + "page: { orders: { name: id }, default: nam }"),
         {"c.yaml:4:44: 'default' must be one of the orders, not 'nam', did you mean 'name'?"}},
        {with_route("GET /a", sql + "page: { by: id, orders: { a: id }, default: a }"),
         {"c.yaml:4:17: 'by' and 'orders' exclude each other"}},
        {with_route("GET /a", sql + "page: { orders: { a: [id, -id], b-c: [], }, default: a }"),
         {"c.yaml:4:31: 'a' names the column 'id' twice",
          "c.yaml:4:37: an order's name has letters, digits and '_', unlike 'b-c'", "c.yaml:4:42: 'b-c' is an empty list"}},
        {with_route("GET /a", sql + "page: { orders: {}, default: a }"), {"c.yaml:4:21: 'orders' is empty"}},
        {with_route("GET /a", "sql: select :order\nparams: { order: string }\npage: { orders: { a: id }, default: a }"),
         {"c.yaml:4:15: 'page' adds the query parameter 'order' itself"}},
        {with_route("GET /a", sql + "page: { by: [-id asc, -n desc] }"),
         {"c.yaml:4:18: '-id asc' says its direction twice: '-' is 'desc'",
          "c.yaml:4:27: '-n desc' says its direction twice: '-' is 'desc'"}},
        {with_route("GET /a", sql + "page: { orders: { a: '-' }, default: a }"),
         {"c.yaml:4:26: 'a' names columns of the result, such as 'population desc', unlike '-'"}},
    });
}

TEST(PageSection, SaysWhatIsWrong) {
    const std::string sql = "sql: select 1\n";
    expect_mistakes({
        {with_route("POST /a", sql + "page: { by: id }"), {"c.yaml:4:5: 'page' is for GET"}},
        {with_route("GET /a", sql + "result: one\npage: { by: id }"), {"c.yaml:5:5: 'page' needs 'result: many'"}},
        {with_route("GET /a", sql + "page: {}"),
         {"c.yaml:4:5: 'page' needs 'by', the columns that order its rows, or 'orders'"}},
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

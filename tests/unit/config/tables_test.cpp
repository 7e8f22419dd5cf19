// `tables`, and the tags that cached routes get from it.
#include "config_files.hpp"

#include <gmock/gmock.h>

namespace sluice::config {
namespace {

using ::testing::ElementsAre;

const std::string rest = R"(postgres: { primary: "host=localhost" }
)";

std::string with_tables(const std::string& tables) { return "tables:\n" + tables + rest; }

}  // namespace

TEST(Tables, AreReadInTheirOrder) {
    const auto settings =
        load_text(with_tables("  city: { tags: [\"city:{id}\", \"country:{country}\"] }\n"
                              "  shop.item: { tags: [items] }\n"));
    ASSERT_EQ(settings.tables.size(), 2u);
    EXPECT_EQ(settings.tables[0].name, "city");
    EXPECT_THAT(settings.tables[0].tags, ElementsAre("city:{id}", "country:{country}"));
    EXPECT_EQ(settings.tables[1].own_tag(), "table:shop.item");
}

TEST(Tables, NamesMayBeQuoted) {
    const auto settings = load_text(with_tables("  '\"User\"': { tags: [\"User:{Id}\"] }\n"
                                                "  'shop.\"Odd.\"\"Name\"': { tags: [x] }\n"
                                                "  '\"My Shop\".city': { tags: [x] }\n") +
                                    R"(routes:
  GET /u/{id}: { params: { id: integer }, sql: "select :id", cache: { ttl: 1s, tags: ["User:{id}"] } }
)");
    ASSERT_EQ(settings.tables.size(), 3u);
    EXPECT_EQ(settings.tables[0].name, "\"User\"");
    EXPECT_EQ(settings.tables[0].own_tag(), "table:\"User\"");
    EXPECT_EQ(settings.tables[1].name, "shop.\"Odd.\"\"Name\"");
    EXPECT_THAT(settings.routes.at(0).cache->tags, ElementsAre("User:{id}", "table:\"User\""));
    for (const auto* name :
         {"\"a", "a\"", "\"\"", "\"a\"b", "\"a\".\"b\".c", "\"a\".", ".\"a\"", "\"a\"\"", "\"{a}\"", ""}) {
        EXPECT_EQ(mistakes_in(with_tables("  '" + std::string{name} + "': { tags: [x] }\n")).size(), 1u) << name;
    }
}

TEST(Tables, ACachedRouteCarriesTheTagOfEveryTableThatMayOutdateIt) {
    const auto settings = load_text(with_tables("  city: { tags: [\"city:{id}\", \"country:{country}\", cities] }\n"
                                                "  review: { tags: [\"reviews:{city_id}\"] }\n") +
                                    R"(routes:
  GET /a/{n}: { params: { n: integer }, sql: "select :n", cache: { ttl: 1s, tags: ["city:{n}", "reviews:{n}"] } }
  GET /b/{c}: { params: { c: string }, sql: "select :c", cache: { ttl: 1s, tags: ["country:{c}"] } }
  GET /c: { sql: "select 1", cache: { ttl: 1s, tags: [cities] } }
  GET /d: { sql: "select 1", cache: { ttl: 1s, tags: [city] } }
  GET /e: { sql: "select 1", cache: 1s }
  GET /f: { sql: "select 1", cache: { ttl: 1s, tags: ["country:FR"] } }
  GET /g/{k}/{n}: { params: { k: string, n: integer }, sql: "select :k, :n", cache: { ttl: 1s, tags: ["{k}:{n}"] } }
)");
    const auto tags = [&](std::size_t route) { return settings.routes.at(route).cache->tags; };
    EXPECT_THAT(tags(0), ElementsAre("city:{n}", "reviews:{n}", "table:city", "table:review"));
    EXPECT_THAT(tags(1), ElementsAre("country:{c}", "table:city"));
    EXPECT_THAT(tags(2), ElementsAre("cities", "table:city"));
    EXPECT_THAT(tags(3), ElementsAre("city"));
    EXPECT_TRUE(tags(4).empty());
    EXPECT_THAT(tags(5), ElementsAre("country:FR", "table:city"));
    EXPECT_THAT(tags(6), ElementsAre("{k}:{n}", "table:city", "table:review"));
}

TEST(Tables, ReportsWhatCannotBe) {
    expect_mistakes({
        {with_tables("  City: { tags: [x] }\n"),
         {"c.yaml:2:3: a table is written as table or schema.table, in lower case, unlike 'City'"}},
        {with_tables("  a.b.c: { tags: [x] }\n"),
         {"c.yaml:2:3: a table is written as table or schema.table, in lower case, unlike 'a.b.c'"}},
        {with_tables("  city: {}\n"), {"c.yaml:2:3: table 'city' needs 'tags'"}},
        {with_tables("  city: { tags: [\"city:{\"] }\n"), {"c.yaml:2:18: the tag 'city:{' has a '{' without '}'"}},
        {with_tables("  city: { tags: [\"city:{a b}\"] }\n"), {"c.yaml:2:18: the tag 'city:{a b}' needs a name in '{a b}'"}},
        {with_tables("  city: { tag: [x] }\n"), {"c.yaml:2:11: unknown key 'tag', did you mean 'tags'?"}},
        {"tables:\n  city: { tags: [x] }\n", {"c.yaml:1:1: 'tables' needs 'postgres' with a 'primary'"}},
    });
}

}  // namespace sluice::config

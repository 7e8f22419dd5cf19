#include "sql/select_list.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace sluice::postgres {
namespace {

/// The texts that the items begin with, up to the next space or comma; a star's with `*` before it.
std::vector<std::string> items_of(const std::string& sql) {
    std::vector<std::string> items;
    for (const auto& item : sql::select_list(sql)) {
        const auto end = sql.find_first_of(" ,\n", item.offset);
        items.push_back((item.star ? "*" : "") + sql.substr(item.offset, end - item.offset));
    }
    return items;
}

using Items = std::vector<std::string>;

}  // namespace

TEST(SelectList, IsTheOutermostOne) {
    const std::vector<std::pair<std::string, Items>> cases{
        {"select a, b as c from t", {"a", "b"}},
        {"SELECT a", {"a"}},
        {"select 'x, from', \"from\", $$ , $$ as d, f(a, b), array[1, 2] from t",
         {"'x", "\"from\"", "$$", "f(a", "array[1"}},
        {"with x as (select 1, 2), y as (select 3) select x.a, b from x", {"x.a", "b"}},
        {"select distinct a, b from t", {"a", "b"}},
        {"select distinct on (a, b) c, d from t", {"c", "d"}},
        {"select all a from t", {"a"}},
        {"select *, t.*, (r).* , a * b, count(*) from t", {"**", "*t.*", "*(r).*", "a", "count(*)"}},
        {"select a is distinct from b, c from t", {"a", "c"}},
        {"select extract(year from d), e union select f, g", {"extract(year", "e"}},
        {"select a -- b, c\n, d /* e, */ from t", {"a", "d"}},
        {"select :a::int, :b limit 1", {":a::int", ":b"}},
        {"insert into t (a, b) select c, d from u returning e, f", {"e", "f"}},
        {"insert into t values (1)", {}},
        {"with x as (delete from t returning g) update t set a = (select b) where c returning a, *", {"a", "**"}},
        {"values (1, 2)", {}},
        {"(select a)", {}},
        {"select", {}},
        {"select from t", {}},
        {"select 'never closed", {}},
    };
    for (const auto& [sql, items] : cases) EXPECT_EQ(items_of(sql), items) << sql;
}

TEST(ColumnMistakes, NameTheColumnAndItsPlace) {
    struct Case {
        std::string sql;
        std::vector<std::string> names;
        std::vector<std::string> places;  ///< what stands where each mistake is; "-": it is not known
    };
    const std::vector<Case> cases{
        {"select a, b from t", {"a", "b"}, {}},
        {"select a, b.a from t", {"a", "a"}, {"b.a"}},
        {"select a, b.a, c.a from t", {"a", "a", "a"}, {"b.a"}},
        {"select 1, a, 2 from t", {"?column?", "a", "?column?"}, {"1,", "2 from"}},
        {"select a, t.*, z as b from t", {"a", "b", "c", "b"}, {"z as"}},
        {"select a, t.*, z from t", {"a", "a", "c", "z"}, {"t.*"}},
        {"select t.*, u.*, z from t", {"a", "b", "a", "b", "z"}, {"t.*", "t.*"}},
        {"values (1, 2)", {"column1", "column2"}, {}},
        {"(select a, b.a)", {"a", "a"}, {"-"}},
        {"select a.b, c", {"a", "b", "b"}, {"-"}},
    };
    for (const auto& [sql, names, places] : cases) {
        const auto mistakes = sql::column_mistakes(sql, names);
        ASSERT_EQ(mistakes.size(), places.size()) << sql;
        for (std::size_t i = 0; i < places.size(); ++i) {
            if (places[i] == "-") {
                EXPECT_FALSE(mistakes[i].offset) << sql;
                continue;
            }
            ASSERT_TRUE(mistakes[i].offset) << sql;
            EXPECT_TRUE(std::string_view{sql}.substr(*mistakes[i].offset).starts_with(places[i])) << sql << ' ' << i;
        }
    }
}

}  // namespace sluice::postgres

#include "sql/used_tables.hpp"

#include <gtest/gtest.h>

namespace sluice::postgres {

TEST(UsedTables, AreThoseThatAStatementNames) {
    using Names = std::vector<std::string>;
    struct Case {
        const char* sql;
        Names tables;
    };
    for (const auto& [sql, tables] : {
             Case{"select * from city where id = :id", {"city"}},
             Case{"select * from public.City c, only \"Country\" k where c.id in (select id from town)",
                  {"Country", "city", "town"}},
             Case{"select c.x, k.y from city c join a.country k on (k.id = c.k) left join lateral (select 1 from x) z on "
                  "true",
                  {"city", "country", "x"}},
             Case{"insert into city (id, name) values (:id, :name) on conflict (id) do update set name = :name", {"city"}},
             Case{"update city set name = :a from country where country.id = city.k", {"city", "country"}},
             Case{"delete from city using town where town.id = city.id", {"city", "town"}},
             Case{"select * from city for update of city nowait", {"city"}},
             Case{"select * from city for no key update", {"city"}},
             Case{"with page as (select * from city) select * from page, town order by a, b", {"city", "town"}},
             Case{"select sum(a), max(b) from generate_series(1, 3) s, city", {"city"}},
             Case{"select ':x from nothing' -- from none\n from city", {"city"}},
             Case{"merge into stock s using delivery d on s.id = d.id when matched then update set n = 1",
                  {"delivery", "stock"}},
             Case{"select 1", {}},
             Case{"select 'open", {}},
         }) {
        EXPECT_EQ(sql::used_tables(sql), tables) << sql;
    }
}

}  // namespace sluice::postgres

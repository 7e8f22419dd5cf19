// Pages walked from the first to the last, on real data of many kinds.
#include "sql/statement.hpp"
#include "support/postgres_fixture.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <set>

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Columns = std::vector<SortColumn>;
using Ids = std::vector<std::int64_t>;

SortColumn up(std::string name) { return {std::move(name), false, {}}; }
SortColumn down(std::string name) { return {std::move(name), true, {}}; }

/// The columns with every mix of directions.
std::vector<Columns> all_directions(const std::vector<std::string>& names) {
    std::vector<Columns> all;
    for (std::size_t mask = 0; mask < std::size_t{1} << names.size(); ++mask) {
        Columns columns;
        for (std::size_t i = 0; i < names.size(); ++i) columns.push_back({names[i], (mask >> i & 1U) != 0, {}});
        all.push_back(std::move(columns));
    }
    return all;
}

class PageWalk : public PoolTest {
protected:
    void SetUp() override {
        PoolTest::SetUp();
        // Few different values, so that there are ties; nulls in every column but the key.
        sql(R"(drop table if exists sorted;
create table sorted (id int primary key, n int, f float8, d numeric, at timestamptz, day date, s text, c text collate "C",
                     b boolean, u uuid, wait interval, a int[], j jsonb);
insert into sorted
select i, nullif(i % 5, 0), (array[0.1::float8 + 0.2, 0.3, 'NaN', '-infinity', '-0', 1e300, null])[1 + i % 7],
       (array[1.10, 1.1, 12345678901234567890.5, -1, null])[1 + i % 5],
       (array['2024-03-31 02:30:00.123456+01', '2024-03-31 01:30:00.123457+00', 'infinity', '0044-03-15 12:00:00+00 BC', null]::
           timestamptz[])[1 + i % 5],
       (array['2024-02-01', '2024-01-02', null]::date[])[1 + i % 3],
       (array['a', 'B', 'b', 'é', '', E'quo"te\\', 'Ω ∂', null])[1 + i % 8], (array['a', 'B', 'é', null])[1 + i % 4],
       (array[true, false, null])[1 + i % 3], case when i % 4 > 0 then md5((i % 4)::text)::uuid end,
       (array['1 month -1 day', '-2 hours', null]::interval[])[1 + i % 3],
       case when i % 3 > 0 then array[i % 3, null, 7] end, case when i % 3 > 0 then jsonb_build_object('k', i % 3) end
from generate_series(1, 60) i)");
    }
    void TearDown() override {
        PoolTest::TearDown();
        sql("drop table if exists sorted");
    }

    StatementId add_page(Columns by, std::string text = "select * from sorted", bool labelled = false) {
        StatementSpec spec;
        spec.name = "GET /sorted";
        spec.sql = std::move(text);
        spec.parameters = {"id", "name", "price", "flag", "list"};
        spec.parameter_types.assign(5, ParameterType::string);
        spec.on_primary = true;
        spec.labelled = labelled;
        spec.page_by = std::move(by);
        return add(std::move(spec));
    }

    /// One page, of which `position` moves to the next; nothing behind the last.
    Ids read_page(StatementId statement, std::optional<PagePosition>& position) {
        Query query;
        query.statement = statement;
        query.page = position;
        const auto limit = position->limit;
        const auto answer = ask(std::move(query));
        position.reset();
        if (!answer) {
            ADD_FAILURE() << answer.error().message;
            return {};
        }
        Ids ids;
        for (const auto& row : nlohmann::json::parse(answer->json)) ids.push_back(row.at("id").get<std::int64_t>());
        EXPECT_LE(ids.size(), limit);
        if (answer->last_key) {
            EXPECT_EQ(ids.size(), limit) << "only the last page may be short";
            position.emplace().limit = limit;
            for (const auto& value : nlohmann::json::parse(*answer->last_key)) {
                position->after.push_back(value.is_null() ? std::nullopt : std::optional{value.get<std::string>()});
            }
        }
        return ids;
    }

    Ids walk(StatementId statement, unsigned limit) {
        Ids all;
        std::optional<PagePosition> position{PagePosition{limit, {}}};
        for (int pages = 0; position && pages < 1000; ++pages) {
            const auto page = read_page(statement, position);
            all.insert(all.end(), page.begin(), page.end());
        }
        return all;
    }

    Ids in_order(const Columns& by) {
        Ids ids;
        for (const auto& row : sql("select id from sorted order by " + sql::order_of(by))) {
            ids.push_back(std::stoll(row.at(0).value()));
        }
        return ids;
    }

    void expect_walks(const std::vector<Columns>& orders, const std::vector<unsigned>& limits) {
        make(settings());
        std::vector<StatementId> statements;
        statements.reserve(orders.size());
        for (const auto& by : orders) statements.push_back(add_page(by));
        start();
        for (std::size_t i = 0; i < orders.size(); ++i) {
            const auto expected = in_order(orders[i]);
            ASSERT_EQ(expected.size(), 60U);
            for (const auto limit : limits) {
                EXPECT_EQ(walk(statements[i], limit), expected) << sql::order_of(orders[i]) << ", " << limit;
            }
        }
    }
};

}  // namespace

TEST_F(PageWalk, EveryRowComesOnceAndInOrderWhateverTheDirectionsAndNulls) {
    auto orders = all_directions({"n", "id"});
    for (auto& by : all_directions({"n", "s", "id"})) orders.push_back(std::move(by));
    for (auto& by : all_directions({"id"})) orders.push_back(std::move(by));
    expect_walks(orders, {1, 7, 59, 60, 100});
}

TEST_F(PageWalk, EveryTypeThatCanBeOrderedComesBackFromItsText) {
    std::vector<Columns> orders;
    for (const auto* name : {"f", "d", "at", "day", "s", "c", "b", "u", "wait", "a", "j"}) {
        for (auto& by : all_directions({name, "id"})) orders.push_back(std::move(by));
    }
    expect_walks(orders, {1, 9});
}

TEST_F(PageWalk, TheServersOwnFormsOfTextDoNotMatter) {
    sql("do $$ begin execute format('alter role %I set datestyle = ''German''', current_user);"
        " execute format('alter role %I set timezone = ''Europe/Paris''', current_user);"
        " execute format('alter role %I set extra_float_digits = 0', current_user); end $$");
    expect_walks({{up("at"), up("id")}, {down("at"), up("id")}, {up("f"), down("id")}, {up("day"), up("id")}}, {1, 7});
    sql("do $$ begin execute format('alter role %I reset all', current_user); end $$");
}

TEST_F(PageWalk, RowsThatComeMeanwhileNeitherRepeatNorHideOthers) {
    make(settings());
    const std::vector<Columns> orders = all_directions({"n", "id"});
    std::vector<StatementId> statements;
    statements.reserve(orders.size());
    for (const auto& by : orders) statements.push_back(add_page(by));
    start();
    for (std::size_t i = 0; i < orders.size(); ++i) {
        sql("delete from sorted where id < 1 or id > 60");
        int added = 0;
        std::multiset<std::int64_t> seen;
        std::optional<PagePosition> position{PagePosition{5, {}}};
        while (position) {
            for (const auto id : read_page(statements[i], position)) seen.insert(id);
            // Before and behind every place there is, nulls among them.
            ++added;
            if (added > 20) break;
            sql("insert into sorted (id, n) select " + std::to_string(100 * added) +
                " + k, (array[-1, 1, 2, 3, 9, null])[k] from generate_series(1, 6) k; insert into sorted (id, n) values (" +
                std::to_string(-added) + ", 2)");
        }
        while (position) {
            for (const auto id : read_page(statements[i], position)) seen.insert(id);
        }
        for (const auto id : seen) EXPECT_EQ(seen.count(id), 1U) << id << " twice by " << sql::order_of(orders[i]);
        for (std::int64_t id = 1; id <= 60; ++id) {
            EXPECT_EQ(seen.count(id), 1U) << id << " by " << sql::order_of(orders[i]);
        }
    }
}

TEST_F(PageWalk, RowsThatGoMeanwhileTakeNoOthersAlong) {
    make(settings());
    const auto statement = add_page({up("n"), up("id")});
    start();
    const auto expected = in_order({up("n"), up("id")});
    std::optional<PagePosition> position{PagePosition{10, {}}};
    auto seen = read_page(statement, position);
    sql("delete from sorted where id = " + std::to_string(seen.back()) + " or id = " + std::to_string(seen.front()));
    while (position) {
        const auto page = read_page(statement, position);
        seen.insert(seen.end(), page.begin(), page.end());
    }
    EXPECT_EQ(seen, expected);
}

TEST_F(PageWalk, LabelledReadsAndParametersWork) {
    make(settings());
    const auto statement =
        add_page({down("n"), up("id")}, "select id, n from sorted where (:id is null or n = :id::int)", true);
    start();
    Query query;
    query.statement = statement;
    query.values = {"3"};
    query.page = PagePosition{5, {}};
    auto first = ask(query);
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_TRUE(first->label && first->label->snapshot.xmax > 0);
    EXPECT_EQ(first->last_key, R"(["3", "23"])");
    query.page->after = {"3", "23"};
    auto second = ask(query);
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_TRUE(second->label);
    EXPECT_EQ(nlohmann::json::parse(second->json).at(0), nlohmann::json::parse(R"({"id":28,"n":3})"));
    sql("delete from sorted");
    query.page->after.clear();
    const auto none = ask(query);
    ASSERT_TRUE(none);
    EXPECT_EQ(none->json, "[]");
    EXPECT_FALSE(none->last_key);
}

TEST_F(PageWalk, AnIndexBoundsEveryRange) {
    sql("drop table if exists sorted; create table sorted (id int primary key, n int);"
        "insert into sorted select i, i % 500 from generate_series(1, 50000) i;"
        "create index on sorted (n desc, id desc); create index on sorted (n desc, id); analyze sorted");
    const auto plan = [&](Columns by, const std::string& key, const std::string& mode) {
        StatementSpec spec;
        spec.sql = "select id, n from sorted";
        spec.page_by = std::move(by);
        const auto text = sql::Statement{spec}.plain({}, sql::PageStep::behind).text;
        std::string script = "set plan_cache_mode = " + mode;
        script.append("; prepare walk as ").append(text);
        script.append("; explain (costs off) execute walk(20, ").append(key).append(")");
        std::string lines;
        for (const auto& row : sql(script)) {
            lines += row.at(0).value() + "\n";
        }
        return lines;
    };
    const auto same = plan({down("n"), down("id")}, "250, 25250", "force_custom_plan");
    EXPECT_THAT(same, HasSubstr("Index Cond: (ROW(n, id) < ROW(250, 25250))")) << same;
    EXPECT_THAT(same, Not(HasSubstr("Seq Scan"))) << same;
    EXPECT_THAT(same, Not(HasSubstr("Sort"))) << same;
    const auto mixed = plan({down("n"), up("id")}, "250, 25250", "force_custom_plan");
    EXPECT_THAT(mixed, HasSubstr("Index Cond: (n < 250)")) << mixed;
    EXPECT_THAT(mixed, HasSubstr("Index Cond: ((n = 250) AND (id > 25250))")) << mixed;
    EXPECT_THAT(mixed, Not(HasSubstr("Seq Scan"))) << mixed;
    const auto generic = plan({down("n"), up("id")}, "250, 25250", "force_generic_plan");
    EXPECT_THAT(generic, HasSubstr("Index Cond: ((n = $2) AND (id > $3))")) << generic;
    EXPECT_THAT(generic, Not(HasSubstr("Seq Scan"))) << generic;
}

}  // namespace sluice::test

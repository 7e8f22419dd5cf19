#include "postgres/workers/statement_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace sluice::postgres {
namespace {

StatementSpec spec(std::string sql, std::string name = "GET /things") {
    StatementSpec made;
    made.name = std::move(name);
    made.sql = std::move(sql);
    made.parameters = {"a"};
    made.parameter_types = {ParameterType::integer};
    return made;
}

}  // namespace

TEST(StatementTable, EqualStatementsShareAnId) {
    const auto table = std::make_shared<StatementTable>();
    const auto first = table->add(spec("select :a"));
    const auto changes = table->changes();
    const auto second = table->add(spec("select :a"));
    EXPECT_EQ(first, second);
    EXPECT_EQ(&StatementTable::of(first), &StatementTable::of(second));
    EXPECT_EQ(table->changes(), changes) << "nothing has come";
}

TEST(StatementTable, WhateverDiffersMakesAnotherStatement) {
    const auto table = std::make_shared<StatementTable>();
    const auto plain = spec("select :a from thing");
    const auto id = table->add(plain);
    const std::vector<std::function<void(StatementSpec&)>> changes{
        [](auto& one) { one.name = "GET /others"; },
        [](auto& one) { one.sql += " "; },
        [](auto& one) { one.parameters.push_back("b"), one.parameter_types.push_back(ParameterType::string); },
        [](auto& one) { one.parameter_types = {ParameterType::string}; },
        [](auto& one) { one.result = ResultShape::one; },
        [](auto& one) { one.read_only = false; },
        [](auto& one) { one.on_primary = true; },
        [](auto& one) { one.labelled = true; },
        [](auto& one) { one.versioned = true; },
        [](auto& one) { one.collapse = true; },
        [](auto& one) { one.max_answer = 1; },
        [](auto& one) {
            one.page_by = {{"a", false, {}}};
        },
        [](auto& one) { one.tag_columns = {"a"}; },
        [](auto& one) { one.needed_columns = {"a"}; },
    };
    std::vector<StatementId> ids;
    for (const auto& change : changes) {
        auto other = plain;
        change(other);
        ids.push_back(table->add(other));
        EXPECT_NE(ids.back(), id);
    }
    EXPECT_EQ(table->numbers().size(), changes.size() + 1);
}

TEST(StatementTable, WhereTheFileHasASortColumnIsNoDifference) {
    const auto table = std::make_shared<StatementTable>();
    auto here = spec("select :a as x");
    here.page_by = {{"x", false, {"a.yaml", 1, 1}}};
    auto there = here;
    there.page_by[0].location = {"a.yaml", 9, 9};
    const auto id = table->add(here);
    EXPECT_EQ(table->add(there), id);
}

TEST(StatementTable, AStatementGoesWithItsLastId) {
    const auto table = std::make_shared<StatementTable>();
    auto first = table->add(spec("select :a from one"));
    auto second = first;
    const auto other = table->add(spec("select :a from two"));
    EXPECT_EQ(table->names(), (std::vector<std::string>{"from", "one", "select", "two"}));
    const auto gone = first.number();
    first = {};
    EXPECT_EQ(table->numbers().size(), 2u) << "there is another copy";
    const auto changes = table->changes();
    second = {};
    EXPECT_EQ(table->numbers(), std::vector{other.number()});
    EXPECT_NE(table->changes(), changes);
    EXPECT_EQ(table->names(), (std::vector<std::string>{"from", "select", "two"}));
    EXPECT_GT(table->add(spec("select :a from one")).number(), gone) << "a number never comes again";
}

TEST(StatementTable, AnIdMayOutliveTheTable) {
    auto table = std::make_shared<StatementTable>();
    const auto id = table->add(spec("select :a"));
    table.reset();
    EXPECT_EQ(StatementTable::of(id).statement.spec().sql, "select :a");
}

TEST(StatementTable, RefusesWhatIsNoStatementAndIdsOfNobody) {
    const auto table = std::make_shared<StatementTable>();
    EXPECT_THROW(table->add(spec("select :unknown")), std::invalid_argument);
    EXPECT_TRUE(table->numbers().empty());
    EXPECT_THROW(StatementTable::of(StatementId{}), std::invalid_argument);
    EXPECT_THROW(StatementTable::of(StatementId{1}), std::invalid_argument);
}

// Run under ThreadSanitizer as well.
TEST(StatementTable, ManyThreadsComeAndGo) {
    const auto table = std::make_shared<StatementTable>();
    const auto kept = table->add(spec("select :a from kept"));
    const auto work = [&](int thread) {
        for (int i = 0; i < 300; ++i) {
            const auto shared = table->add(spec("select :a from shared"));
            const auto own = table->add(spec("select :a from t" + std::to_string(thread) + "_" + std::to_string(i)));
            const auto again = table->add(spec("select :a from kept"));
            EXPECT_EQ(again, kept);
            const auto numbers = table->numbers();
            EXPECT_TRUE(std::binary_search(numbers.begin(), numbers.end(), own.number()));
            EXPECT_TRUE(std::binary_search(numbers.begin(), numbers.end(), shared.number()));
            EXPECT_FALSE(table->names().empty());
        }
    };
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back(work, i);
    threads.clear();
    EXPECT_EQ(table->numbers(), std::vector{kept.number()});
}

}  // namespace sluice::postgres

#include "postgres/connection/statement_name.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace sluice::postgres {

TEST(StatementName, IsAHashThatNeedsNoQuotes) {
    // printf 'select 1\0\0' | sha256sum
    EXPECT_EQ(statement_name("select 1"), "s_63f375db75d246182be368f4aa8f28d9");
    EXPECT_EQ(statement_name("select 1"), statement_name("select 1"));
}

TEST(StatementName, DiffersWithTheTextTheTypesAndTheOwner) {
    const std::array<unsigned, 2> two{23, 25};
    const std::array<unsigned, 1> one{23};
    const std::array<unsigned, 1> run_together{2325};
    const std::set<std::string> names{
        statement_name("select $1"),          statement_name("select  $1"),
        statement_name("select $1", one),     statement_name("select $1", two),
        statement_name("select $1", {}, "1"), statement_name("select $1", {}, "23"),
        statement_name("select $11"),         statement_name("select $1", run_together),
    };
    EXPECT_EQ(names.size(), 8U);
}

}  // namespace sluice::postgres

#include "sql/parameter_fit.hpp"

#include <gtest/gtest.h>

namespace sluice::postgres {

TEST(ParameterFit, ComparesDeclaredWithExpectedTypes) {
    using Type = ParameterType;
    struct Case {
        Type declared;
        const char* name;
        char category;
        bool fits;
    };
    for (const auto& [declared, name, category, expected] : {
             Case{Type::integer, "integer", 'N', true},
             Case{Type::integer, "smallint", 'N', true},
             Case{Type::integer, "numeric", 'N', true},
             Case{Type::integer, "double precision", 'N', true},
             Case{Type::integer, "text", 'S', false},
             Case{Type::integer, "regclass", 'N', false},
             Case{Type::number, "numeric", 'N', true},
             Case{Type::number, "real", 'N', true},
             Case{Type::number, "bigint", 'N', false},
             Case{Type::boolean, "boolean", 'B', true},
             Case{Type::boolean, "text", 'S', false},
             Case{Type::string, "text", 'S', true},
             Case{Type::string, "uuid", 'U', true},
             Case{Type::string, "jsonb", 'U', true},
             Case{Type::string, "timestamp with time zone", 'D', true},
             Case{Type::string, "mood", 'E', true},
             Case{Type::string, "regclass", 'N', true},
             Case{Type::string, "integer", 'N', false},
             Case{Type::string, "boolean", 'B', false},
             Case{Type::string, "text[]", 'A', false},
             Case{Type::array, "integer[]", 'A', true},
             Case{Type::array, "text", 'S', false},
         }) {
        EXPECT_EQ(sql::fits(declared, {name, category}), expected) << sql::declared_name(declared) << " for " << name;
    }
}

}  // namespace sluice::postgres

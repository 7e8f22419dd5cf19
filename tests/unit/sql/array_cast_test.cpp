#include "sql/array_cast.hpp"

#include <gtest/gtest.h>

namespace sluice::postgres {

TEST(ArrayCast, IsFoundBehindTheNameAndNowhereElse) {
    const auto casts = [](std::string_view rest) { return sql::is_cast_to_array(rest, 0); };
    for (const auto* rest : {"::text[]", " :: int [ ]", "::pg_catalog.int4[3]", R"(::"My Type"[])", R"(::shop."T"[])",
                             "::double precision[]", "::timestamp (3) with time zone []", "::numeric(9, 2)[]",
                             "::character varying(5)[][]", " as text[])", " AS int array)", "::text array"}) {
        EXPECT_TRUE(casts(rest)) << rest;
    }
    for (const auto* rest :
         {"", "::", "::text", "::jsonb || x[1]", "::text as a, b[1]", " = any(x[1])", "::int between a[1]", " as text, b[1]",
          "[1]", "::numeric(9", R"(::"never closed)", "::text)[1]"}) {
        EXPECT_FALSE(casts(rest)) << rest;
    }
    EXPECT_FALSE(sql::is_cast_to_array("x", 5));
}

}  // namespace sluice::postgres

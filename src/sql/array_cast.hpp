// Whether a parameter stands where the SQL says itself that it is an array. Pure: text alone.
#pragma once

#include <cstddef>
#include <string_view>

namespace sluice::sql {

/// `at`: behind a parameter's name. Whether a cast to an array type follows, `::text[]`, or ` as int[]` within `cast(…)`.
bool is_cast_to_array(std::string_view sql, std::size_t at) noexcept;

}  // namespace sluice::sql

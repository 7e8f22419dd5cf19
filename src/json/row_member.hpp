// One member of a row as PostgreSQL's row_to_json writes it, without parsing the others. Pure.
#pragma once

#include <optional>
#include <string_view>

namespace sluice::json {

/// The JSON text of the value; nothing if the row has no such member. `name` needs no escapes in JSON.
std::optional<std::string_view> row_member(std::string_view row, std::string_view name) noexcept;

}  // namespace sluice::json

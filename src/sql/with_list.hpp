// The `with` list at the beginning of a statement. Pure: tokens, no grammar beyond that list.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::sql {

/// The byte at which the statement proper begins behind its `with` list; nothing: it has none.
std::optional<std::size_t> behind_with_list(std::string_view sql);

/// The word that says what the statement is, in lower case, behind its `with` list if it has one: `select`, `insert`,
/// `merge`, `call`.
std::string main_keyword(std::string_view sql);

}  // namespace sluice::sql

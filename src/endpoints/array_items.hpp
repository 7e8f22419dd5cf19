// The items of an array as a request writes them. Pure. Hides the three styles.
#pragma once

#include "json/exact_json.hpp"
#include "sluice/settings.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice::endpoints {

using ArrayItems = std::vector<std::string>;

/// The items, or what is wrong with the text, as `must be …`. `csv`: what commas part; an empty text is an empty array, and
/// items are not looked at. `json` and `repeated` (whose default is written so): a JSON array of values of the type. A text
/// is unescaped, and a number has its canonical spelling, so that each item is what a query string would say for it.
std::variant<ArrayItems, std::string> read_items(std::string_view text, ArrayStyle style, ParameterType type);

/// PostgreSQL's literal of a JSON array of strings, numbers, booleans, nulls (NULL), and arrays of such; nothing: it holds
/// an object.
std::optional<std::string> array_literal(const json::Json& array);

/// A JSON array of these items, as `read_items` reads it.
std::string write_items(const ArrayItems& items, ParameterType type);

}  // namespace sluice::endpoints

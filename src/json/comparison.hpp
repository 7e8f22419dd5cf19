// An order of JSON values that has equal ones together, as JSON Schema understands equal: numbers by value, objects whatever
// the order of their members. Pure.
#pragma once

#include "json/exact_json.hpp"
#include "json/findings.hpp"

#include <compare>
#include <vector>

namespace sluice::json {

/// What it costs is counted.
std::strong_ordering compare(const Json& a, const Json& b, Findings& findings);
/// `sorted` by that order.
bool is_among(const std::vector<Json>& sorted, const Json& value, Findings& findings);
/// Whether no two of an array's items are equal.
bool are_unique(const Json& items, Findings& findings);

}  // namespace sluice::json

// Whether a parameter's declared type fits the type PostgreSQL expects. Pure.
#pragma once

#include "sluice/settings.hpp"

#include <string>
#include <string_view>

namespace sluice::sql {

/// A row of pg_type, as far as it matters.
struct SqlType {
    std::string name;        ///< as format_type writes it: `integer`, `text[]`, …
    char category = 'X';     ///< pg_type.typcategory: N numeric, S string, B boolean, A array, D date or time, …
    bool composite = false;  ///< a row type, or an array of one
};

/// Every value of the declared type has a text that the expected type reads, at least in form. So `integer` fits every
/// numeric type, `number` those with fractions, `boolean` boolean, `array` arrays, and `string` whatever is written as a
/// string: text, dates, uuid, json, enums, …
bool fits(ParameterType declared, const SqlType& expected) noexcept;

/// As it is written in a configuration.
std::string_view declared_name(ParameterType type) noexcept;

}  // namespace sluice::sql

// Whether a value written in the configuration (a default, an enum member, a bound) fits a parameter's declaration.
#pragma once

#include "config/document.hpp"
#include "sluice/settings.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluice::config {

/// `string`, `integer`, …
std::string_view type_word(ParameterType type) noexcept;
std::optional<ParameterType> parameter_type(std::string_view word) noexcept;

/// `an integer`, `a boolean`, …
std::string_view with_article(ParameterType type) noexcept;

/// Whether the scalar is written as a value of that type: `5` is an integer and no string, `"5"` the other way round. A
/// value in which an environment variable took part goes by its text alone.
bool has_type(const Node& scalar, ParameterType type) noexcept;

/// Whether a text is a value of that type when it comes from a path or a query string.
bool text_has_type(std::string_view text, ParameterType type) noexcept;

/// Whether RE2 can compile it.
bool is_pattern(const std::string& text);

/// `date`, `date-time`, `uuid` or `email`.
bool is_known_format(std::string_view format) noexcept;

/// What is wrong with `value`, as in `must be at least 1`, or nothing. For an array, the comma-separated elements are
/// checked for their type.
std::optional<std::string> complaint(const ParameterSettings& parameter, const std::string& value);

}  // namespace sluice::config

// Numbers as source text, compared exactly: a limit of 9007199254740993 must not become 9007199254740992 in a double.
#pragma once

#include <compare>
#include <string_view>

namespace sluice::config {

/// `-?(0|[1-9][0-9]*)`: JSON's grammar without fraction and exponent.
bool is_integer(std::string_view text) noexcept;

/// JSON's number grammar (RFC 8259 section 6).
bool is_decimal(std::string_view text) noexcept;

/// Compares two texts for which `is_decimal` holds by value: 1.0 equals 1 and 10e-1.
std::strong_ordering compare_decimals(std::string_view a, std::string_view b);

}  // namespace sluice::config

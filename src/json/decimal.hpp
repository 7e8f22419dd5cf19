// Numbers as their source text: what JSON calls a number, compared exactly, never through a double.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::json {

/// RFC 8259 section 6, without fraction and exponent.
bool is_json_integer(std::string_view text) noexcept;
/// RFC 8259 section 6.
bool is_json_number(std::string_view text) noexcept;
/// A JSON integer of 64 bits.
std::optional<std::int64_t> to_integer(std::string_view text) noexcept;
/// Compares the values of two JSON numbers. Exponents beyond ±10^17 count as that.
std::strong_ordering compare_numbers(std::string_view a, std::string_view b);
/// Whether a JSON number is an integer by its value: 5, 5.0, 50e-1, 1E400.
bool has_integer_value(std::string_view text);
/// Whether a is an integer times b, exactly. b is positive and has at most `longest_divisor` significant digits.
bool is_multiple(std::string_view a, std::string_view b);
inline constexpr std::size_t longest_divisor = 18;
std::size_t significant_digits(std::string_view text);
/// The one spelling of a JSON number's value: `5` for `5.0` and `50e-1`, `0` for `-0`; large exponents stay exponents.
std::string canonical_number(std::string_view text);

}  // namespace sluice::json

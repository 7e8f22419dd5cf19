#include "json/decimal.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

namespace sluice::json {
namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Takes leading digits off; false if there are none.
bool skip_digits(std::string_view& text) noexcept {
    std::size_t count = 0;
    while (count < text.size() && is_digit(text[count])) ++count;
    text.remove_prefix(count);
    return count > 0;
}

bool skip_integer(std::string_view& text) noexcept {
    if (text.starts_with('-')) text.remove_prefix(1);
    if (text.starts_with('0')) {
        text.remove_prefix(1);
        return true;
    }
    return skip_digits(text);
}

/// ± 0.d1d2d3… × 10^magnitude with d1 != 0; zero has no digits.
struct Decimal {
    bool negative = false;
    std::string digits;
    std::int64_t magnitude = 0;
};

Decimal parse(std::string_view text) {
    Decimal result;
    if (text.starts_with('-')) {
        result.negative = true;
        text.remove_prefix(1);
    }
    const auto exponent_at = std::min(text.find_first_of("eE"), text.size());
    auto mantissa = text.substr(0, exponent_at);
    const auto point = std::min(mantissa.find('.'), mantissa.size());
    result.digits = mantissa.substr(0, point);
    result.magnitude = static_cast<std::int64_t>(point);
    if (point < mantissa.size()) result.digits += mantissa.substr(point + 1);

    if (exponent_at < text.size()) {
        auto exponent_text = text.substr(exponent_at + 1);
        const bool negative = exponent_text.starts_with('-');
        if (negative || exponent_text.starts_with('+')) exponent_text.remove_prefix(1);
        std::int64_t exponent = 0;
        for (const char c : exponent_text)
            exponent = std::min<std::int64_t>(exponent * 10 + (c - '0'), 100'000'000'000'000'000);
        result.magnitude += negative ? -exponent : exponent;
    }

    const auto first = std::min(result.digits.find_first_not_of('0'), result.digits.size());
    result.digits.erase(0, first);
    result.magnitude -= static_cast<std::int64_t>(first);
    result.digits.erase(result.digits.find_last_not_of('0') + 1);
    if (result.digits.empty()) return {};
    return result;
}

}  // namespace

std::optional<std::int64_t> to_integer(std::string_view text) noexcept {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

bool is_json_integer(std::string_view text) noexcept { return skip_integer(text) && text.empty(); }

bool is_json_number(std::string_view text) noexcept {
    if (!skip_integer(text)) return false;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        if (!skip_digits(text)) return false;
    }
    if (text.starts_with('e') || text.starts_with('E')) {
        text.remove_prefix(1);
        if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
        if (!skip_digits(text)) return false;
    }
    return text.empty();
}

std::strong_ordering compare_numbers(std::string_view a, std::string_view b) {
    const auto small_a = to_integer(a);
    const auto small_b = small_a ? to_integer(b) : std::nullopt;
    if (small_b) return *small_a <=> *small_b;  // no need to take them apart
    const auto x = parse(a);
    const auto y = parse(b);
    const auto sign = [](const Decimal& d) { return d.digits.empty() ? 0 : d.negative ? -1 : 1; };
    if (sign(x) != sign(y)) return sign(x) <=> sign(y);
    if (sign(x) == 0) return std::strong_ordering::equal;
    auto by_size = x.magnitude <=> y.magnitude;
    if (by_size == 0) by_size = x.digits.compare(y.digits) <=> 0;
    if (!x.negative) return by_size;
    return by_size < 0 ? std::strong_ordering::greater : by_size > 0 ? std::strong_ordering::less : by_size;
}

bool has_integer_value(std::string_view text) {
    const auto number = parse(text);
    return static_cast<std::int64_t>(number.digits.size()) <= std::max<std::int64_t>(number.magnitude, 0);
}

std::size_t significant_digits(std::string_view text) { return parse(text).digits.size(); }

bool is_multiple(std::string_view a, std::string_view b) {
    __extension__ using Wide = unsigned __int128;
    const auto x = parse(a);
    const auto y = parse(b);
    if (x.digits.empty()) return true;
    // Neither has trailing zeros, so x * 10^power is a multiple of y only if power is not negative.
    auto power = (x.magnitude - static_cast<std::int64_t>(x.digits.size())) -
                 (y.magnitude - static_cast<std::int64_t>(y.digits.size()));
    if (power < 0) return false;
    const Wide divisor = std::stoull(y.digits);
    constexpr std::size_t at_a_time = 18;  // so that nothing goes beyond 128 bits
    Wide rest = 0;
    for (std::size_t at = 0; at < x.digits.size(); at += at_a_time) {
        const auto digits = x.digits.substr(at, at_a_time);
        Wide scale = 1;
        for (std::size_t i = 0; i < digits.size(); ++i) scale *= 10;
        rest = (rest * scale + std::stoull(digits)) % divisor;
    }
    for (Wide factor = 10 % divisor; power > 0; power /= 2, factor = factor * factor % divisor) {
        if (power % 2 != 0) rest = rest * factor % divisor;
    }
    return rest == 0;
}

std::string canonical_number(std::string_view text) {
    constexpr std::int64_t longest = 40;  // digits written out
    if (const auto small = to_integer(text)) return std::to_string(*small);
    const auto number = parse(text);
    if (number.digits.empty()) return "0";
    const auto digits = static_cast<std::int64_t>(number.digits.size());
    std::string result{number.negative ? "-" : ""};
    if (number.magnitude >= digits && number.magnitude <= longest) {
        return result.append(number.digits).append(static_cast<std::size_t>(number.magnitude - digits), '0');
    }
    if (number.magnitude > 0 && number.magnitude < digits) {
        const auto point = static_cast<std::size_t>(number.magnitude);
        return result.append(number.digits, 0, point).append(".").append(number.digits, point);
    }
    if (number.magnitude <= 0 && digits - number.magnitude <= longest) {
        return result.append("0.").append(static_cast<std::size_t>(-number.magnitude), '0').append(number.digits);
    }
    return result.append("0.").append(number.digits).append("e").append(std::to_string(number.magnitude));
}

}  // namespace sluice::json

#include "config/decimal.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

namespace sluice::config {
namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// Takes the digits at the front of `text`; says how many.
std::size_t take_digits(std::string_view& text) noexcept {
    std::size_t n = 0;
    while (n < text.size() && is_digit(text[n])) ++n;
    text.remove_prefix(n);
    return n;
}

// 0.digits · 10^exponent, the first digit not 0; no digits: zero.
struct Normal {
    bool negative = false;
    std::string digits;
    std::int64_t exponent = 0;
};

Normal normalise(std::string_view text) {
    Normal normal;
    normal.negative = text.starts_with('-');
    if (normal.negative) text.remove_prefix(1);
    const auto e = text.find_first_of("eE");
    if (e != std::string_view::npos) {
        auto power = text.substr(e + 1);
        const bool down = power.starts_with('-');
        if (down || power.starts_with('+')) power.remove_prefix(1);
        for (const char c : power)
            normal.exponent = std::min<std::int64_t>(normal.exponent * 10 + (c - '0'), 1'000'000'000'000);
        if (down) normal.exponent = -normal.exponent;
    }
    const auto mantissa = text.substr(0, e);
    const auto point = std::min(mantissa.find('.'), mantissa.size());
    normal.digits = mantissa;
    std::erase(normal.digits, '.');
    normal.exponent += static_cast<std::int64_t>(point);
    const auto leading = std::min(normal.digits.find_first_not_of('0'), normal.digits.size());
    normal.digits.erase(0, leading);
    normal.exponent -= static_cast<std::int64_t>(leading);
    while (normal.digits.ends_with('0')) normal.digits.pop_back();
    if (normal.digits.empty()) return {};
    return normal;
}

}  // namespace

bool is_integer(std::string_view text) noexcept {
    if (text.starts_with('-')) text.remove_prefix(1);
    const bool zero = text.starts_with('0');
    const auto digits = take_digits(text);
    return digits > 0 && text.empty() && (!zero || digits == 1);
}

bool is_decimal(std::string_view text) noexcept {
    if (text.starts_with('-')) text.remove_prefix(1);
    const bool zero = text.starts_with('0');
    const auto whole = take_digits(text);
    if (whole == 0 || (zero && whole > 1)) return false;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        if (take_digits(text) == 0) return false;
    }
    if (text.starts_with('e') || text.starts_with('E')) {
        text.remove_prefix(1);
        if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
        if (take_digits(text) == 0) return false;
    }
    return text.empty();
}

std::strong_ordering compare_decimals(std::string_view a, std::string_view b) {
    const auto x = normalise(a);
    const auto y = normalise(b);
    const int sign_x = x.digits.empty() ? 0 : x.negative ? -1 : 1;
    const int sign_y = y.digits.empty() ? 0 : y.negative ? -1 : 1;
    if (sign_x != sign_y || sign_x == 0) return sign_x <=> sign_y;
    const auto magnitude = x.exponent != y.exponent ? x.exponent <=> y.exponent : x.digits <=> y.digits;
    return sign_x > 0 ? magnitude : 0 <=> magnitude;
}

}  // namespace sluice::config

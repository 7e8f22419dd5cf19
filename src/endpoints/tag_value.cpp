#include "endpoints/tag_value.hpp"

#include "json/decimal.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace sluice::endpoints {
namespace {

constexpr std::string_view space = " \t\n\r\v\f";  // what PostgreSQL's input functions skip

std::string_view without_space_around(std::string_view text) {
    const auto first = std::min(text.find_first_not_of(space), text.size());
    return text.substr(first, text.find_last_not_of(space) + 1 - first);
}

/// Also what JSON does not allow and people write: `+5`, `007`, `.5`, `5.`.
std::optional<std::string> spell_number(std::string_view text) {
    text = without_space_around(text);
    std::string number;
    if (text.starts_with('-') || text.starts_with('+')) {
        if (text.front() == '-') number = "-";
        text.remove_prefix(1);
    }
    const auto exponent = text.substr(std::min(text.find_first_of("eE"), text.size()));
    auto integer = text.substr(0, text.size() - exponent.size());
    const auto point = std::min(integer.find('.'), integer.size());
    auto fraction = integer.substr(point);
    integer = integer.substr(0, point);
    if (integer.empty() && fraction.size() < 2) return std::nullopt;
    integer.remove_prefix(std::min(integer.find_first_not_of('0'), integer.size()));
    number += integer.empty() ? "0" : integer;
    if (fraction.size() > 1) number += fraction;
    number += exponent;
    if (!json::is_json_number(number)) return std::nullopt;
    return json::canonical_number(number);
}

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; }

/// In braces or not; hyphens may stand behind every four digits.
std::optional<std::string> spell_uuid(std::string_view text) {
    constexpr std::size_t digits = 32;
    if (text.starts_with('{')) {
        if (!text.ends_with('}')) return std::nullopt;
        text = text.substr(1, text.size() - 2);
    }
    std::string hex;
    bool after_hyphen = true;  // none may come now
    for (const char c : text) {
        if (c == '-') {
            if (after_hyphen || hex.size() % 4 != 0 || hex.size() == digits) return std::nullopt;
            after_hyphen = true;
            continue;
        }
        const char digit = lower(c);
        if (!((digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f')) || hex.size() == digits) return std::nullopt;
        hex += digit;
        after_hyphen = false;
    }
    if (hex.size() != digits) return std::nullopt;
    for (const std::size_t place : {20U, 16U, 12U, 8U}) hex.insert(place, 1, '-');
    return hex;
}

}  // namespace

std::optional<std::string> spell(postgres::Spelling spelling, std::string_view text) {
    using postgres::Spelling;
    switch (spelling) {
        case Spelling::text:
            return std::string{text};
        case Spelling::number:
            return spell_number(text);
        case Spelling::padded:
            return std::string{text.substr(0, text.find_last_not_of(' ') + 1)};
        case Spelling::uuid:
            return spell_uuid(text);
        case Spelling::boolean:
            if (text == "true" || text == "false") return std::string{text};
            return std::nullopt;
        case Spelling::other:
            break;
    }
    return std::nullopt;
}

std::optional<std::string> spell_json(std::string_view raw) {
    if (raw == "null") return std::nullopt;
    if (raw.starts_with('"')) return nlohmann::json::parse(raw).get<std::string>();
    return json::is_json_number(raw) ? json::canonical_number(raw) : std::string{raw};
}

}  // namespace sluice::endpoints

// Characters and words as PostgreSQL's own lexer sees them. Pure.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string_view>

namespace sluice::sql {

constexpr bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
// Identifiers may also hold any byte above ASCII.
constexpr bool starts_identifier(char c) noexcept { return is_letter(c) || static_cast<unsigned char>(c) >= 0x80; }
constexpr bool continues_identifier(char c) noexcept { return starts_identifier(c) || is_digit(c) || c == '$'; }

/// Whether the word is one of these, in the same case.
inline bool is_any(std::string_view word, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace sluice::sql

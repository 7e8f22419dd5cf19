// Base62 (0-9 A-Z a-z) of byte strings, in blocks: linear time, and each byte string has exactly one spelling.
// 8 bytes, as a big-endian number, are 11 digits; a last block of n < 8 bytes has as many digits as 256^n - 1 needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice::auth {

/// Appends the digits of `bytes` to `text`.
void append_base62(std::string& text, std::span<const std::uint8_t> bytes);

/// Decodes into `out` and returns how many bytes; nothing if a character is no digit, a block's number or length is not one
/// that `append_base62` produces, or `out` is too small.
std::optional<std::size_t> decode_base62(std::string_view text, std::span<std::uint8_t> out) noexcept;

}  // namespace sluice::auth

#include "auth/base62.hpp"

#include <algorithm>
#include <array>

namespace sluice::auth {

namespace {

constexpr std::string_view digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::size_t block_bytes = 8;
constexpr std::size_t block_digits = 11;
constexpr std::array<std::uint8_t, block_bytes + 1> digits_of_bytes{0, 2, 3, 5, 6, 7, 9, 10, 11};
constexpr std::uint8_t invalid = 0xFF;

constexpr auto bytes_of_digits = [] {
    std::array<std::uint8_t, block_digits + 1> table{};
    table.fill(invalid);
    for (std::size_t bytes = 0; bytes <= block_bytes; ++bytes)
        table[digits_of_bytes[bytes]] = static_cast<std::uint8_t>(bytes);
    return table;
}();

constexpr auto digit_values = [] {
    std::array<std::uint8_t, 256> table{};
    table.fill(invalid);
    for (std::size_t i = 0; i < digits.size(); ++i) {
        table[static_cast<unsigned char>(digits[i])] = static_cast<std::uint8_t>(i);
    }
    return table;
}();

// False if a character is no digit or the number is not below 2^64.
bool number_of(std::string_view block, std::uint64_t& number) noexcept {
    number = 0;
    for (const char c : block) {
        const std::uint8_t value = digit_values[static_cast<unsigned char>(c)];
        if (value == invalid) return false;
        if (__builtin_mul_overflow(number, std::uint64_t{62}, &number)) return false;
        if (__builtin_add_overflow(number, std::uint64_t{value}, &number)) return false;
    }
    return true;
}

}  // namespace

void append_base62(std::string& text, std::span<const std::uint8_t> bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += block_bytes) {
        const auto block = bytes.subspan(at, std::min(block_bytes, bytes.size() - at));
        std::uint64_t number = 0;
        for (const auto byte : block) number = number << 8 | byte;
        const std::size_t length = digits_of_bytes[block.size()];
        text.resize(text.size() + length);
        for (std::size_t i = 1; i <= length; ++i, number /= 62) text[text.size() - i] = digits[number % 62];
    }
}

std::optional<std::size_t> decode_base62(std::string_view text, std::span<std::uint8_t> out) noexcept {
    std::size_t size = 0;
    for (std::size_t at = 0; at < text.size(); at += block_digits) {
        const auto block = text.substr(at, block_digits);
        const std::size_t length = bytes_of_digits[block.size()];
        std::uint64_t number = 0;
        if (length == invalid || length > out.size() - size || !number_of(block, number)) return std::nullopt;
        if (length < block_bytes && number >> (8 * length) != 0) return std::nullopt;
        for (std::size_t i = length; i-- > 0; number >>= 8) out[size + i] = static_cast<std::uint8_t>(number);
        size += length;
    }
    return size;
}

}  // namespace sluice::auth

#include "postgres/connection/statement_name.hpp"

#include <openssl/sha.h>

#include <array>

namespace sluice::postgres {

// No text and no owner holds NUL, so no two inputs are written alike.
std::string statement_name(std::string_view text, std::span<const unsigned> types, std::string_view owner) {
    std::string input{text};
    for (const auto type : types) input.append(1, '\0').append(std::to_string(type));
    input.append(2, '\0').append(owner);
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(input.data()), input.size(), digest.data());

    constexpr std::size_t bytes = 16;
    constexpr std::string_view digits = "0123456789abcdef";
    std::string name = "s_";
    for (std::size_t i = 0; i < bytes; ++i) {
        name += digits[digest[i] >> 4U];
        name += digits[digest[i] & 0xFU];
    }
    return name;
}

}  // namespace sluice::postgres

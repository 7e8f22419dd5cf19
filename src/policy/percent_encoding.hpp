// Percent-encoding of RFC 3986 section 2. Pure.
#pragma once

#include <string>
#include <string_view>

namespace sluice::policy {

/// Section 2.3: they mean themselves wherever they stand.
constexpr bool is_unreserved(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

/// `%` and two upper-case hexadecimal digits.
inline void append_percent_encoded(std::string& out, char c) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    out.append(1, '%').append(1, hex[byte >> 4]).append(1, hex[byte & 15]);
}

/// As one segment, or one name or value of a query: also what separates those is encoded.
inline void append_as_component(std::string& out, std::string_view value) {
    for (const char c : value) {
        if (is_unreserved(c))
            out += c;
        else
            append_percent_encoded(out, c);
    }
}

}  // namespace sluice::policy

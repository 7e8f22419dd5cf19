#include "http/target.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace sluice::http {
namespace {

int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::optional<TargetError> decode(std::string_view raw, bool plus_is_space, std::string& decoded) {
    decoded.clear();
    decoded.reserve(raw.size());
    for (std::size_t i = 0; i < raw.size(); ++i) {
        if (raw[i] == '+' && plus_is_space) {
            decoded += ' ';
        } else if (raw[i] != '%') {
            decoded += raw[i];
        } else {
            if (raw.size() - i < 3) return TargetError::bad_escape;
            const int high = hex_digit(raw[i + 1]);
            const int low = hex_digit(raw[i + 2]);
            if (high < 0 || low < 0) return TargetError::bad_escape;
            if (high == 0 && low == 0) return TargetError::nul;
            decoded += static_cast<char>(high * 16 + low);
            i += 2;
        }
    }
    if (!is_utf8(decoded)) return TargetError::bad_utf8;
    return std::nullopt;
}

}  // namespace

std::string_view describe(TargetError error) noexcept {
    switch (error) {
        case TargetError::bad_escape:
            return "'%' must be followed by two hexadecimal digits";
        case TargetError::bad_utf8:
            return "must be UTF-8 when decoded";
        case TargetError::nul:
            return "must not hold an encoded NUL";
    }
    return "cannot be decoded";
}

bool is_utf8(std::string_view bytes) noexcept {
    const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
    for (std::size_t i = 0; i < bytes.size();) {
        const auto lead = at(i);
        if (lead < 0x80) {
            ++i;
            continue;
        }
        // The second byte's range excludes overlong forms (E0, F0), surrogates (ED) and what is above U+10FFFF (F4).
        std::size_t length = 0;
        std::uint8_t lowest = 0x80;
        std::uint8_t highest = 0xBF;
        if (lead >= 0xC2 && lead <= 0xDF) {
            length = 2;
        } else if (lead >= 0xE0 && lead <= 0xEF) {
            length = 3;
            if (lead == 0xE0) lowest = 0xA0;
            if (lead == 0xED) highest = 0x9F;
        } else if (lead >= 0xF0 && lead <= 0xF4) {
            length = 4;
            if (lead == 0xF0) lowest = 0x90;
            if (lead == 0xF4) highest = 0x8F;
        } else {
            return false;
        }
        if (bytes.size() - i < length || at(i + 1) < lowest || at(i + 1) > highest) return false;
        for (std::size_t k = 2; k < length; ++k) {
            if (at(i + k) < 0x80 || at(i + k) > 0xBF) return false;
        }
        i += length;
    }
    return true;
}

std::optional<TargetError> decode_path(std::string_view raw, std::string& decoded) { return decode(raw, false, decoded); }

std::optional<TargetError> decode_query(std::string_view raw, std::vector<QueryParameter>& parameters) {
    parameters.clear();
    while (!raw.empty()) {
        const auto end = std::min(raw.find('&'), raw.size());
        const auto piece = raw.substr(0, end);
        raw.remove_prefix(std::min(end + 1, raw.size()));
        if (piece.empty()) continue;
        const auto equals = std::min(piece.find('='), piece.size());
        QueryParameter& parameter = parameters.emplace_back();
        if (const auto error = decode(piece.substr(0, equals), true, parameter.name)) return error;
        if (const auto error = decode(piece.substr(std::min(equals + 1, piece.size())), true, parameter.value)) return error;
    }
    return std::nullopt;
}

}  // namespace sluice::http

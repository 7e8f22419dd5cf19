#include "http/target.hpp"

#include "policy/utf8.hpp"

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
    if (!policy::is_utf8(decoded)) return TargetError::bad_utf8;
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

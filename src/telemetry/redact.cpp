#include "telemetry/redact.hpp"

#include <algorithm>

namespace sluice::log {
namespace {

constexpr std::string_view key_begin = "slk_";
constexpr std::string_view token_begin = "eyJ";  // base64url of `{"`
constexpr std::size_t least_digits = 16;         // fewer are no credential, and may well be a word

bool is_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
bool is_token_character(char c) { return is_digit(c) || c == '-' || c == '_' || c == '.'; }

std::size_t run_of(bool (*belongs)(char), std::string_view text) {
    return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), belongs) - text.begin());
}

}  // namespace

std::string_view without_credentials(std::string_view text, std::string& buffer) {
    if (text.find(key_begin) == text.npos && text.find(token_begin) == text.npos) return text;
    buffer.clear();
    std::size_t no_token_before = 0;  // what was searched in vain once: a client must not make this quadratic
    for (std::size_t at = 0; at < text.size();) {
        const auto rest = text.substr(at);
        if (rest.starts_with(key_begin)) {
            const auto digits = run_of(is_digit, rest.substr(key_begin.size()));
            if (digits >= least_digits) {
                buffer += "slk_[redacted]";
                at += key_begin.size() + digits;
                continue;
            }
        } else if (at >= no_token_before && rest.starts_with(token_begin)) {
            const auto size = run_of(is_token_character, rest);
            if (rest.substr(0, size).find('.') != rest.npos) {
                buffer += "[redacted]";
                at += size;
                continue;
            }
            no_token_before = at + size;
        }
        buffer += text[at++];
    }
    return buffer;
}

}  // namespace sluice::log

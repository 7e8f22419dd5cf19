#include "json/text.hpp"

#include <charconv>

namespace sluice::json {
namespace {

unsigned byte_of(char c) noexcept { return static_cast<unsigned char>(c); }

/// The length of the UTF-8 sequence of more than one byte that the text begins with; 0 if it is none (RFC 3629 section 4).
std::size_t sequence_length(std::string_view text) noexcept {
    const auto lead = byte_of(text.front());
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
    // Neither longer than needed, nor a surrogate, nor beyond U+10FFFF.
    const auto second = byte_of(text[1]);
    const unsigned lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const unsigned highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (second < lowest || second > highest) return 0;
    for (std::size_t i = 2; i < length; ++i) {
        if ((byte_of(text[i]) & 0xC0u) != 0x80u) return 0;
    }
    return length;
}

void append_character(std::string& text, unsigned code) {
    const auto tail = [&](unsigned shift) { return static_cast<char>(0x80u | (code >> shift & 0x3Fu)); };
    if (code < 0x80) {
        text += static_cast<char>(code);
    } else if (code < 0x800) {
        text += static_cast<char>(0xC0u | code >> 6u);
        text += tail(0);
    } else if (code < 0x10000) {
        text += static_cast<char>(0xE0u | code >> 12u);
        text += tail(6);
        text += tail(0);
    } else {
        text += static_cast<char>(0xF0u | code >> 18u);
        text += tail(12);
        text += tail(6);
        text += tail(0);
    }
}

}  // namespace

void JsonText::skip_space() noexcept {
    while (!at_end() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
}

bool JsonText::take(char expected) noexcept {
    if (at_end() || text_[at_] != expected) return false;
    ++at_;
    return true;
}

bool JsonText::take(std::string_view expected) noexcept {
    if (!text_.substr(at_).starts_with(expected)) return false;
    at_ += expected.size();
    return true;
}

std::string_view JsonText::take_number() noexcept {
    const auto start = at_;
    const auto belongs = [](char c) {
        return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
    };
    while (!at_end() && belongs(text_[at_])) ++at_;
    return since(start);
}

bool JsonText::read_string(std::string& value) {
    ++at_;  // the quote
    for (;;) {
        const auto start = at_;
        while (!at_end() && byte_of(text_[at_]) >= 0x20 && text_[at_] != '"' && text_[at_] != '\\') {
            if (byte_of(text_[at_]) < 0x80) {
                ++at_;
                continue;
            }
            const auto length = sequence_length(text_.substr(at_));
            if (length == 0) return false;
            at_ += length;
        }
        value.append(since(start));
        if (take('"')) return true;
        if (!take('\\') || !read_escape(value)) return false;
    }
}

/// What is behind a backslash.
bool JsonText::read_escape(std::string& value) {
    constexpr std::string_view letters = "\"\\/bfnrt";
    constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    if (take('u')) {
        unsigned code = 0;
        if (!read_unit(code)) return false;
        if (code >= 0xD800 && code < 0xE000) {  // one half of a pair
            unsigned low = 0;
            if (code >= 0xDC00 || !take("\\u") || !read_unit(low) || low < 0xDC00 || low >= 0xE000) return false;
            code = 0x10000 + ((code - 0xD800) << 10u) + (low - 0xDC00);
        }
        append_character(value, code);
        return true;
    }
    const auto found = at_end() ? letters.npos : letters.find(text_[at_]);
    if (found == letters.npos) return false;
    value += meanings[found];
    ++at_;
    return true;
}

/// Four hexadecimal digits.
bool JsonText::read_unit(unsigned& unit) noexcept {
    constexpr std::size_t digits = 4;
    const auto text = text_.substr(at_, digits);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), unit, 16);
    if (text.size() < digits || error != std::errc{} || end != text.data() + digits) return false;
    at_ += digits;
    return true;
}

}  // namespace sluice::json

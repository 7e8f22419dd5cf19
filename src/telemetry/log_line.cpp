#include "telemetry/log_line.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <ctime>

namespace sluice::log {
namespace {

/// What stands for itself in JSON text.
constexpr std::array<bool, 256> plain = [] {
    std::array<bool, 256> table{};
    for (std::size_t c = 0x20; c < 0x7f; ++c) table[c] = c != '"' && c != '\\';
    return table;
}();

void append_json_string(std::string& out, std::string_view text) {
    constexpr std::string_view hex = "0123456789abcdef";
    out += '"';
    while (!text.empty()) {
        const auto is_plain = [](char c) { return plain[static_cast<unsigned char>(c)]; };
        const auto* const end = std::find_if_not(text.begin(), text.end(), is_plain);
        out.append(text.begin(), end);
        if (end == text.end()) break;
        const char c = *end;
        text.remove_prefix(static_cast<std::size_t>(end - text.begin()) + 1);
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else {
            // Bytes beyond ASCII are written as Latin-1 escapes: the line stays valid JSON whatever a client sent.
            out += "\\u00";
            out += hex[byte >> 4];
            out += hex[byte & 15];
        }
    }
    out += '"';
}

/// With so many digits behind the second.
void append_time(std::string& out, std::size_t digits) {
    const auto now = std::chrono::system_clock::now();
    const auto seconds = std::chrono::system_clock::to_time_t(now);
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count() % 1'000'000;
    thread_local std::time_t cached_second = -1;
    thread_local std::array<char, 32> cached{};
    if (seconds != cached_second) {
        std::tm utc{};
        ::gmtime_r(&seconds, &utc);
        std::strftime(cached.data(), cached.size(), "%Y-%m-%dT%H:%M:%S", &utc);
        cached_second = seconds;
    }
    out += cached.data();
    std::array<char, 8> fraction{'.', '0', '0', '0', '0', '0', '0', 'Z'};
    auto rest = micros;
    for (std::size_t i = 6; i > 0; --i, rest /= 10) fraction[i] = static_cast<char>('0' + rest % 10);
    out.append(fraction.data(), 1 + digits).append(1, 'Z');
}

bool is_plain_word(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(),
                                        [](char c) { return plain[static_cast<unsigned char>(c)] && c != ' ' && c != '='; });
}

template <class Number>
void append_number(std::string& out, Number number) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), end);
}

void append_value(std::string& out, const Field& field) {
    if (const auto* text = std::get_if<std::string_view>(&field.value)) {
        append_json_string(out, *text);
    } else if (const auto* integer = std::get_if<std::int64_t>(&field.value)) {
        append_number(out, *integer);
    } else if (const auto* number = std::get_if<double>(&field.value)) {
        if (std::isfinite(*number))
            append_number(out, *number);
        else
            out += "null";
    } else {
        out += std::get<bool>(field.value) ? "true" : "false";
    }
}

constexpr std::string_view name_of(Level level) {
    constexpr std::array<std::string_view, 4> names{"debug", "info", "warning", "error"};
    return names[static_cast<std::size_t>(level)];
}

void compose_json(std::string& line, Level level, std::string_view event, Fields fields) {
    line.assign("{\"time\":\"");
    append_time(line, 6);
    line.append("\",\"level\":\"").append(name_of(level)).append("\",\"event\":");
    append_json_string(line, event);
    for (const auto& field : fields) {
        line += ',';
        append_json_string(line, field.name);
        line += ':';
        append_value(line, field);
    }
    line += '}';
}

void compose_text(std::string& line, Level level, std::string_view event, Fields fields) {
    constexpr std::size_t level_width = 8;  // of the longest one, and a space
    line.clear();
    append_time(line, 3);
    line.append(1, ' ').append(name_of(level)).append(level_width - name_of(level).size(), ' ');
    const auto begin = line.size();
    append_json_string(line, event);  // sentences are read without quotes
    line.erase(begin, 1).pop_back();
    for (const auto& field : fields) {
        line.append(1, ' ').append(field.name).append(1, '=');
        const auto* text = std::get_if<std::string_view>(&field.value);
        if (text != nullptr && is_plain_word(*text))
            line += *text;
        else
            append_value(line, field);
    }
}

}  // namespace

void compose_line(std::string& line, Format format, Level level, std::string_view event, Fields fields) {
    if (format == Format::json)
        compose_json(line, level, event, fields);
    else
        compose_text(line, level, event, fields);
}

}  // namespace sluice::log

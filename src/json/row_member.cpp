#include "json/row_member.hpp"

#include "sluice/request.hpp"

#include <cstddef>

namespace sluice::json {
namespace {

// Behind the string whose opening quote is at `at`. A row may hold some MiB in one.
std::size_t end_of_string(std::string_view json, std::size_t at) noexcept {
    for (auto quote = json.find('"', at + 1); quote != json.npos; quote = json.find('"', quote + 1)) {
        auto escapes = quote;
        while (escapes > at + 1 && json[escapes - 1] == '\\') --escapes;
        if ((quote - escapes) % 2 == 0) return quote + 1;
    }
    return json.size() + 1;
}

// At the comma or the brace that ends the value.
std::size_t end_of_value(std::string_view json, std::size_t at) noexcept {
    std::size_t depth = 0;
    while (at < json.size()) {
        const char c = json[at];
        if (c == '"') {
            at = end_of_string(json, at);
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}')) return at;
        if (c == '{' || c == '[') ++depth;
        if (c == '}' || c == ']') --depth;
        ++at;
    }
    return json.size();
}

}  // namespace

std::optional<std::string_view> row_member(std::string_view row, std::string_view name) noexcept {
    std::size_t at = row.find('"');
    while (at < row.size()) {
        const auto key_end = end_of_string(row, at);
        if (key_end >= row.size()) break;
        const auto key = row.substr(at + 1, key_end - at - 2);
        const auto colon = row.find(':', key_end);
        if (colon == row.npos) break;
        const auto end = end_of_value(row, colon + 1);
        if (key == name) return trimmed(row.substr(colon + 1, end - colon - 1));
        at = row.find('"', end);
    }
    return std::nullopt;
}

}  // namespace sluice::json

#include "json/text_parts.hpp"

#include "json/text.hpp"
#include "policy/tag_template.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <utility>

namespace sluice::json {
namespace {

/// The name of `:name`; nothing: it is another text.
std::optional<std::string_view> whole_name(std::string_view text) {
    constexpr std::string_view more = "_.-[]\"";
    if (text.size() < 2 || text.front() != ':') return std::nullopt;
    text.remove_prefix(1);
    const auto first = text.front();
    if (!((first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') || first == '_')) return std::nullopt;
    const bool is_name = std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || more.find(c) != more.npos;
    });
    return is_name ? std::optional{text} : std::nullopt;
}

}  // namespace

TextParts parts_of_text(std::string_view text) {
    if (const auto name = whole_name(text)) return {{"", ""}, {std::string{*name}}};
    if (text.empty()) return {{""}, {}};
    const policy::TagTemplate parts{text};
    return {parts.literals(), parts.names()};
}

TextParts parts_of_json(std::string_view json) {
    TextParts parts;
    std::string literal;
    JsonText text{json};
    while (!text.at_end()) {
        if (text.peek() != '"') {
            literal += text.peek();
            text.skip(1);
            continue;
        }
        const auto begin = text.place();
        std::string string;
        if (!text.read_string(string)) throw std::invalid_argument{"is no JSON in UTF-8"};
        const auto source = text.since(begin);
        auto behind = text;
        behind.skip_space();
        const auto name = behind.peek() == ':' ? std::nullopt : whole_name(string);  // else it names a member
        if (!name) {
            literal += source;
            continue;
        }
        parts.literals.push_back(std::exchange(literal, {}));
        parts.names.emplace_back(*name);
    }
    parts.literals.push_back(std::move(literal));
    return parts;
}

std::vector<std::string> names_of(const UpstreamCall& call) {
    std::vector<std::string> names;
    const auto add = [&](TextParts parts) { std::move(parts.names.begin(), parts.names.end(), std::back_inserter(names)); };
    add(parts_of_text(call.path.text));
    for (const auto& field : call.query) add(parts_of_text(field.value.text));
    for (const auto& field : call.headers) add(parts_of_text(field.value.text));
    if (call.body) add(parts_of_json(call.body->text));
    return names;
}

}  // namespace sluice::json

#include "endpoints/array_items.hpp"

#include "sql/statement.hpp"

#include <utility>

namespace sluice::endpoints {
namespace {

ArrayItems split(std::string_view text) {
    ArrayItems items;
    if (text.empty()) return items;
    for (;;) {
        const auto comma = text.find(',');
        items.emplace_back(text.substr(0, comma));
        if (comma == text.npos) return items;
        text.remove_prefix(comma + 1);
    }
}

/// Nothing: it is no value of the type. Numbers are checked as such, integers by whoever has the item.
std::optional<std::string> text_of(const json::Json& value, ParameterType type) {
    switch (type) {
        case ParameterType::integer:
        case ParameterType::number:
            return json::is_number(value) ? std::optional{json::number_text(value)} : std::nullopt;
        case ParameterType::boolean:
            if (!value.is_boolean()) return std::nullopt;
            return value.get<bool>() ? "true" : "false";
        case ParameterType::string:
        case ParameterType::array:
            break;
    }
    return value.is_string() ? std::optional{value.get<std::string>()} : std::nullopt;
}

std::string_view with_article(ParameterType type) noexcept {
    switch (type) {
        case ParameterType::integer:
            return "an integer";
        case ParameterType::number:
            return "a number";
        case ParameterType::boolean:
            return "true or false";
        case ParameterType::string:
        case ParameterType::array:
            break;
    }
    return "a string";
}

}  // namespace

std::variant<ArrayItems, std::string> read_items(std::string_view text, ArrayStyle style, ParameterType type) {
    if (style == ArrayStyle::csv) return split(text);
    const auto read = json::read_exactly(text);
    const auto* const document = std::get_if<json::ExactJson>(&read);
    if (!document || !document->root.is_array()) return "must be a JSON array";
    ArrayItems items;
    items.reserve(document->root.size());
    for (const auto& value : document->root) {
        auto item = text_of(value, type);
        if (!item) return "each item must be " + std::string{with_article(type)};
        items.push_back(std::move(*item));
    }
    return items;
}

std::optional<std::string> array_literal(const json::Json& array) {
    const auto plain_text = [](const json::Json& value) -> std::optional<std::string> {
        if (value.is_null()) return std::nullopt;
        if (value.is_string()) return value.get<std::string>();
        return json::is_number(value) ? json::number_text(value) : value.dump();
    };
    std::string literal = "{";
    for (const auto& value : array) {
        if (literal.size() > 1) literal += ',';
        if (value.is_object()) return std::nullopt;
        if (value.is_array()) {
            const auto inner = array_literal(value);
            if (!inner) return std::nullopt;
            literal += *inner;
            continue;
        }
        // Without its braces.
        const std::vector item{plain_text(value)};
        const auto one = sql::array_literal_with_nulls(item);
        literal.append(one, 1, one.size() - 2);
    }
    return literal + '}';
}

std::string write_items(const ArrayItems& items, ParameterType type) {
    std::string text = "[";
    for (const auto& item : items) {
        if (text.size() > 1) text += ',';
        text += type == ParameterType::string ? json::Json(item).dump(-1, ' ', false, json::Json::error_handler_t::replace)
                                              : item;
    }
    return text + ']';
}

}  // namespace sluice::endpoints

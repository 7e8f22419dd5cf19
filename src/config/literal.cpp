#include "config/literal.hpp"

#include "endpoints/parameters.hpp"
#include "json/decimal.hpp"
#include "json/pattern.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace sluice::config {
namespace {

struct TypeName {
    ParameterType type;
    std::string_view word;
    std::string_view with_article;
};

constexpr std::array<TypeName, 5> type_names{{{ParameterType::string, "string", "a string"},
                                              {ParameterType::integer, "integer", "an integer"},
                                              {ParameterType::number, "number", "a number"},
                                              {ParameterType::boolean, "boolean", "a boolean"},
                                              {ParameterType::array, "array", "an array"}}};

constexpr std::array<std::string_view, 4> formats{"date", "date-time", "uuid", "email"};

}  // namespace

std::string_view type_word(ParameterType type) noexcept {
    for (const auto& name : type_names) {
        if (name.type == type) return name.word;
    }
    return "string";
}

std::string_view with_article(ParameterType type) noexcept {
    for (const auto& name : type_names) {
        if (name.type == type) return name.with_article;
    }
    return "a string";
}

std::optional<ParameterType> parameter_type(std::string_view word) noexcept {
    for (const auto& name : type_names) {
        if (name.word == word) return name.type;
    }
    return std::nullopt;
}

bool text_has_type(std::string_view text, ParameterType type) noexcept {
    switch (type) {
        case ParameterType::string:
        case ParameterType::array:
            return true;
        case ParameterType::integer:
            return json::is_json_integer(text);
        case ParameterType::number:
            return json::is_json_number(text);
        case ParameterType::boolean:
            return text == "true" || text == "false";
    }
    return false;
}

bool has_type(const Node& scalar, ParameterType type) noexcept {
    if (!scalar.is(Node::Kind::scalar)) return false;
    if (scalar.expanded) return text_has_type(scalar.text, type);
    const bool is_string = type_of(scalar) == ScalarType::string;
    return type == ParameterType::string || type == ParameterType::array ? is_string
                                                                         : !is_string && text_has_type(scalar.text, type);
}

bool is_pattern(const std::string& text) {
    try {
        const json::Pattern compiled{text};
        return true;
    } catch (const std::invalid_argument&) {
        return false;
    }
}

bool is_known_format(std::string_view format) noexcept {
    return std::find(formats.begin(), formats.end(), format) != formats.end();
}

std::optional<std::string> complaint(const ParameterSettings& parameter, const std::string& value) {
    return endpoints::Parameter{parameter}.complaint(value);
}

}  // namespace sluice::config

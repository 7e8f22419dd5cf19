#include "config/literal.hpp"

#include "config/decimal.hpp"

#include <algorithm>
#include <array>

// g++ 12 sees uninitialised members in <regex> under the address sanitizer (GCC bug 105562); there are none.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <regex>

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

struct Format {
    std::string_view name;
    const char* pattern;  // the form alone: whether February has a 30th is PostgreSQL's to say
};

constexpr std::array<Format, 4> formats{
    {{"date", "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"},
     {"date-time",
      "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)"
      "(\\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"},
     {"uuid", "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"},
     {"email", "[^@\\s]+@[^@\\s]+"}}};

std::size_t code_points(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

bool is_numeric(ParameterType type) noexcept { return type == ParameterType::integer || type == ParameterType::number; }

bool equal_values(const ParameterSettings& parameter, const std::string& a, const std::string& b) {
    return is_numeric(parameter.type) ? compare_decimals(a, b) == std::strong_ordering::equal : a == b;
}

std::optional<std::string> array_complaint(const ParameterSettings& parameter, std::string_view value) {
    if (value.empty()) return std::nullopt;
    for (std::size_t at = 0; at <= value.size();) {
        const auto end = std::min(value.find(',', at), value.size());
        if (!text_has_type(value.substr(at, end - at), parameter.items)) {
            return "must hold values of type " + std::string{type_word(parameter.items)};
        }
        at = end + 1;
    }
    return std::nullopt;
}

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
            return is_integer(text);
        case ParameterType::number:
            return is_decimal(text);
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
        const std::regex compiled{text, std::regex::ECMAScript};
        return true;
    } catch (const std::regex_error&) {
        return false;
    }
}

bool is_known_format(std::string_view format) noexcept {
    return std::any_of(formats.begin(), formats.end(), [&](const Format& f) { return f.name == format; });
}

std::optional<std::string> complaint(const ParameterSettings& parameter, const std::string& value) {
    if (parameter.type == ParameterType::array) return array_complaint(parameter, value);
    if (!text_has_type(value, parameter.type)) return "must be " + std::string{with_article(parameter.type)};
    if (is_numeric(parameter.type)) {
        if (parameter.minimum && compare_decimals(value, *parameter.minimum) < 0)
            return "must be at least " + *parameter.minimum;
        if (parameter.maximum && compare_decimals(value, *parameter.maximum) > 0)
            return "must be at most " + *parameter.maximum;
    }
    const auto length = code_points(value);
    if (parameter.min_length && length < *parameter.min_length) {
        return "must have at least " + std::to_string(*parameter.min_length) + " characters";
    }
    if (parameter.max_length && length > *parameter.max_length) {
        return "must have at most " + std::to_string(*parameter.max_length) + " characters";
    }
    if (parameter.pattern && !std::regex_search(value, std::regex{*parameter.pattern})) {
        return "must match " + *parameter.pattern;
    }
    if (parameter.format) {
        for (const auto& format : formats) {
            if (format.name == *parameter.format && !std::regex_match(value, std::regex{format.pattern})) {
                return "must be of the format " + *parameter.format;
            }
        }
    }
    const auto& allowed = parameter.enumeration;
    if (!allowed.empty() && std::none_of(allowed.begin(), allowed.end(),
                                         [&](const std::string& one) { return equal_values(parameter, one, value); })) {
        return std::string{"must be one of the enum's values"};
    }
    return std::nullopt;
}

}  // namespace sluice::config

#include "json/keywords.hpp"

#include "json/decimal.hpp"

#include <algorithm>
#include <string>

namespace sluice::json {
namespace {

bool is_flag(const Json& value) { return value.is_boolean(); }
bool is_text(const Json& value) { return value.is_string(); }
bool is_list(const Json& value) { return value.is_array(); }
bool is_some_list(const Json& value) { return value.is_array() && !value.empty(); }
bool is_mapping(const Json& value) { return value.is_object(); }
bool is_count(const Json& value) {
    constexpr std::size_t longest = 18;
    const auto text = is_number(value) ? number_text(value) : std::string{"-"};
    return is_json_integer(text) && !text.starts_with('-') && text.size() <= longest;
}
bool is_divisor(const Json& value) {
    return is_number(value) && compare_numbers(number_text(value), "0") > 0 &&
           significant_digits(number_text(value)) <= longest_divisor;
}

constexpr Takes anything{[](const Json&) { return true; }, ""};
constexpr Takes flag{is_flag, "true or false"};
constexpr Takes number{is_number, "a number"};
constexpr Takes divisor{is_divisor, "a number above 0 of at most 18 significant digits"};
constexpr Takes count{is_count, "an integer that is not negative"};
constexpr Takes text{is_text, "a text"};
constexpr Takes list{is_list, "a list"};
constexpr Takes some_list{is_some_list, "a list of schemas"};
constexpr Takes names{is_names, "a list of names"};
constexpr Takes mapping{is_mapping, "a mapping"};

}  // namespace

bool is_names(const Json& value) { return value.is_array() && std::all_of(value.begin(), value.end(), is_text); }
bool is_type(const Json& value) {
    constexpr std::string_view words = " object array string integer number boolean null ";
    return value.is_string() && words.find(" " + value.get<std::string>() + " ") != words.npos;
}
const std::map<std::string_view, Keyword>& keywords() {
    static const std::map<std::string_view, Keyword> words{
        {"type", {anything, "must be of type #"}},
        {"enum", {list, "must be one of #"}},
        {"const", {anything, "must be #"}},
        {"maximum", {number, "must be at most #"}},
        {"minimum", {number, "must be at least #"}},
        {"exclusiveMaximum", {number, "must be less than #"}},
        {"exclusiveMinimum", {number, "must be more than #"}},
        {"multipleOf", {divisor, "must be a multiple of #"}},
        {"maxLength", {count, "must have at most # characters"}},
        {"minLength", {count, "must have at least # characters"}},
        {"maxItems", {count, "must have at most # items"}},
        {"minItems", {count, "must have at least # items"}},
        {"maxProperties", {count, "must have at most # members"}},
        {"minProperties", {count, "must have at least # members"}},
        {"pattern", {text, "must match #"}},
        {"format", {text, "must be a valid #"}},
        {"uniqueItems", {flag, "must not hold an item twice"}},
        {"required", {names, "must have the member '#'"}},
        {"contains", {anything, ""}},
        {"propertyNames", {anything, ""}},
        {"not", {anything, ""}},
        {"anyOf", {some_list, ""}},
        {"oneOf", {some_list, ""}},
        {"allOf", {some_list, ""}},
        {"if", {anything, ""}},
        {"then", {anything, ""}},
        {"else", {anything, ""}},
        {"items", {anything, ""}},
        {"additionalItems", {anything, ""}},
        {"properties", {mapping, ""}},
        {"patternProperties", {mapping, ""}},
        {"additionalProperties", {anything, ""}},
        {"dependencies", {mapping, "must have the member '#' together with "}},
        {"definitions", {mapping, ""}},
    };
    return words;
}

const std::set<std::string_view>& describing_words() {
    static const std::set<std::string_view> words{"$comment",    "$id",      "$schema",  "$ref",  "default",
                                                  "description", "examples", "readOnly", "title", "writeOnly"};
    return words;
}

}  // namespace sluice::json

#include "endpoints/json_schema.hpp"

#include "endpoints/decimal.hpp"
#include "endpoints/pattern.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <string_view>

namespace sluice::endpoints {
namespace {

using Pointer = Json::json_pointer;

enum class Takes {
    anything,
    flag,
    number,
    divisor,       // a positive number, short enough to divide by exactly
    count,         // an integer that is not negative
    pattern,       // for RE2
    format,        // its name
    type,          // a type's name or several
    list,          //
    names,         // a list of texts
    schema,        // one for a part of the value
    here,          // one for the value itself
    schemas,       // several for the value itself
    items,         // one, or a list of one for each item
    members,       // one for each name
    by_pattern,    // one for each regular expression
    dependencies,  // a list of names or a schema for each name
};

struct Keyword {
    Takes takes = Takes::anything;
    std::string_view message;  ///< `#` is the value; empty: what is inside has messages of its own
    bool ours = false;         ///< judged by a rule of ours, under the name `=…`
};

const std::map<std::string_view, Keyword> keywords{
    {"type", {Takes::type, "must be of type #"}},
    {"enum", {Takes::list, "must be one of #"}},
    {"const", {Takes::anything, "must be #"}},
    {"maximum", {Takes::number, "must be at most #", true}},
    {"minimum", {Takes::number, "must be at least #", true}},
    {"exclusiveMaximum", {Takes::number, "must be less than #", true}},
    {"exclusiveMinimum", {Takes::number, "must be more than #", true}},
    {"multipleOf", {Takes::divisor, "must be a multiple of #", true}},
    {"maxLength", {Takes::count, "must have at most # characters"}},
    {"minLength", {Takes::count, "must have at least # characters"}},
    {"maxItems", {Takes::count, "must have at most # items"}},
    {"minItems", {Takes::count, "must have at least # items"}},
    {"maxProperties", {Takes::count, "must have at most # members"}},
    {"minProperties", {Takes::count, "must have at least # members"}},
    {"pattern", {Takes::pattern, "must match #", true}},
    {"format", {Takes::format, "must be a valid #", true}},
    {"uniqueItems", {Takes::flag, "must not hold an item twice", true}},
    {"required", {Takes::names, "must have the member '#'"}},
    {"contains", {Takes::schema, "must hold an item that fits 'contains'"}},
    {"propertyNames", {Takes::schema, "must have only names that fit 'propertyNames'"}},
    {"not", {Takes::here, "must not fit 'not'"}},
    {"anyOf", {Takes::schemas, "must fit one of the alternatives in 'anyOf'"}},
    {"oneOf", {Takes::schemas, "must fit exactly one of the alternatives in 'oneOf'"}},
    {"allOf", {Takes::schemas, ""}},
    {"if", {Takes::here, ""}},
    {"then", {Takes::here, ""}},
    {"else", {Takes::here, ""}},
    {"items", {Takes::items, ""}},
    {"additionalItems", {Takes::schema, ""}},
    {"properties", {Takes::members, ""}},
    {"patternProperties", {Takes::by_pattern, ""}},
    {"additionalProperties", {Takes::schema, ""}},
    {"dependencies", {Takes::dependencies, "must have the member '#' together with "}},
    {"definitions", {Takes::members, ""}},
};

bool is_type(const Json& word) {
    constexpr std::string_view words = " object array string integer number boolean null ";
    return word.is_string() && words.find(" " + word.get<std::string>() + " ") != words.npos;
}

bool is_text(const Json& value) { return value.is_string(); }

bool is_list_of(const Json& value, bool (*each)(const Json&)) {
    return value.is_array() && std::all_of(value.begin(), value.end(), each);
}

/// What the value must be, if it is not. Schemas inside of it are looked at when they are prepared.
std::optional<std::string> complaint(Takes takes, const Json& value) {
    const auto unless = [](bool right, std::string expected) {
        return right ? std::nullopt : std::optional{"must be " + std::move(expected)};
    };
    constexpr std::size_t longest_count = 18;
    const auto number = is_number(value) ? number_text(value) : std::string_view{};
    switch (takes) {
        case Takes::flag:
            return unless(value.is_boolean(), "true or false");
        case Takes::number:
            return unless(!number.empty(), "a number");
        case Takes::divisor:
            return unless(
                !number.empty() && compare_numbers(number, "0") > 0 && significant_digits(number) <= longest_divisor,
                "a number above 0 of at most " + std::to_string(longest_divisor) + " significant digits");
        case Takes::count:
            return unless(is_json_integer(number) && !number.starts_with('-') && number.size() <= longest_count,
                          "an integer that is not negative");
        case Takes::format:
        case Takes::pattern:
            return unless(value.is_string(), "a text");
        case Takes::type:
            return unless(is_type(value) || is_list_of(value, is_type), "a JSON type or a list of them");
        case Takes::list:
            return unless(value.is_array(), "a list");
        case Takes::names:
            return unless(is_list_of(value, is_text), "a list of names");
        case Takes::schemas:
            return unless(value.is_array() && !value.empty(), "a list of schemas");
        case Takes::members:
        case Takes::by_pattern:
        case Takes::dependencies:
            return unless(value.is_object(), "a mapping");
        case Takes::anything:
        case Takes::schema:
        case Takes::here:
        case Takes::items:
            break;
    }
    return std::nullopt;
}

/// A URI's fragment with its %XX decoded.
std::string decode_percent(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned char byte = 0;
        const char* digits = text.data() + i + 1;
        const bool escaped =
            text[i] == '%' && i + 2 < text.size() && std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2;
        result += escaped ? static_cast<char>(byte) : text[i];
        if (escaped) i += 2;
    }
    return result;
}

std::string fill_in(std::string_view message, const std::string& value) {
    std::string text{message};
    if (const auto gap = text.find('#'); gap != text.npos) text.replace(gap, 1, value);
    return text;
}

/// valijson leaves `allOf`, listed items and `patternProperties` at the first that fails. While reports are wanted, none
/// does.
Json and_go_on(Json schema) {
    return Json::object({{"anyOf", Json::array({std::move(schema), Json::object({{"=reporting", true}})})}});
}

Json fail(std::string message) { return Json::object({{"=fail", std::move(message)}}); }

class Preparation {
public:
    explicit Preparation(const Json& root) : root_{root} {}

    PreparedSchema run() {
        number_of(root_, Pointer{});
        Json definitions = Json::object();
        for (std::size_t i = 0; i < targets_.size(); ++i) {  // grows meanwhile
            current_ = i;
            const auto [target, place] = targets_[i];
            definitions[std::to_string(i)] = prepare(*target, place, true);
        }
        std::vector<char> states(targets_.size());
        for (std::size_t i = 0; i < targets_.size(); ++i) {
            if (states[i] != 0 || !leads_back(i, states)) continue;
            mistake(targets_[i].second, "is led back to by its own '$ref', so that nothing is ever decided");
            break;
        }
        if (!mistakes_.empty()) throw SchemaError{std::move(mistakes_)};
        Json whole = Json::object({{"definitions", std::move(definitions)}});
        whole["allOf"] = Json::array({reference_to(0)});
        return {std::move(whole), has_name_patterns_};
    }

private:
    void mistake(const Pointer& place, std::string message) {
        const auto pointer = place.to_string();
        const auto same = [&](const SchemaMistake& other) { return other.pointer == pointer && other.message == message; };
        if (std::none_of(mistakes_.begin(), mistakes_.end(), same)) mistakes_.push_back({pointer, std::move(message)});
    }

    std::size_t number_of(const Json& target, const Pointer& place) {
        const auto [known, is_new] = numbers_.try_emplace(&target, targets_.size());
        if (is_new) {
            targets_.emplace_back(&target, place);
            same_value_.emplace_back();
        }
        return known->second;
    }

    static Json reference_to(std::size_t number) {
        return Json::object({{"$ref", "#/definitions/" + std::to_string(number)}});
    }

    /// `same_value`: it judges the same value as the definition it stands in.
    Json prepare(const Json& schema, const Pointer& place, bool same_value) {
        if (schema.is_boolean()) return schema.get<bool>() ? Json::object() : fail("is not allowed here");
        if (!schema.is_object()) {
            mistake(place, "must be a JSON Schema: a mapping, true or false");
            return Json::object();
        }
        const auto id = schema.find("$id");
        if (id != schema.end() && !place.empty() && (!id->is_string() || !id->get<std::string>().starts_with('#')))
            mistake(place / "$id", "is supported at the schema's top alone, as it changes what references mean");
        if (schema.contains("$ref")) return follow(schema["$ref"], place / "$ref", same_value);

        Json result = Json::object();  // what is inside of the value
        Json simple = Json::object();  // judged in one go; which part is violated is asked only if one is
        Json parts = Json::array();
        Json all = Json::array();
        for (const auto& [word, value] : schema.items()) {
            const auto known = keywords.find(word);
            if (known == keywords.end() || ignored(known->second.takes, value)) continue;
            const auto& [takes, message, ours] = known->second;
            if (auto wrong = complaint(takes, value)) {
                mistake(place / word, std::move(*wrong));
                continue;
            }
            auto inner = inside(takes, value, place / word, same_value);
            if (takes == Takes::names) {
                for (const auto& name : value) parts.push_back(clause(word, Json::array({name}), fill_in(message, name)));
                simple[word] = value;
            } else if (takes == Takes::dependencies) {
                for (const auto& [name, needed] : value.items()) {
                    if (!needed.is_array()) continue;
                    inner.erase(name);
                    for (const auto& one : needed) {
                        all.push_back(clause(word, Json::object({{name, Json::array({one})}}),
                                             fill_in(message, one).append("'").append(name).append("'")));
                    }
                }
                result[word] = std::move(inner);
            } else if (word == "allOf") {
                all.insert(all.end(), inner.begin(), inner.end());
            } else if (message.empty()) {
                if (word != "definitions") result[word] = std::move(inner);
            } else if (takes == Takes::schema || takes == Takes::here || takes == Takes::schemas) {
                all.push_back(clause(word, std::move(inner), std::string{message}));
            } else {
                const auto name = (ours ? "=" : "") + word;
                parts.push_back(clause(name, value, fill_in(message, for_display(value))));
                simple[name] = value;
            }
        }
        for (auto& part : parts) part = and_go_on(std::move(part));
        if (!simple.empty()) all.insert(all.begin(), Json::object({{"if", simple}, {"else", {{"allOf", parts}}}}));
        for (auto& part : all) part = and_go_on(std::move(part));
        if (!all.empty()) result["allOf"] = std::move(all);
        return result;
    }

    static bool ignored(Takes takes, const Json& value) {
        if (takes == Takes::flag) return value == false;
        const auto& formats = checked_formats();
        return takes == Takes::format && value.is_string() &&
               std::find(formats.begin(), formats.end(), value) == formats.end();
    }

    static Json clause(const std::string& word, Json value, std::string message) {
        return Json::object({{"if", Json::object({{word, std::move(value)}})}, {"else", fail(std::move(message))}});
    }

    /// A word's value with the schemas in it prepared.
    Json inside(Takes takes, const Json& value, const Pointer& place, bool same_value) {
        const bool here = same_value && (takes == Takes::here || takes == Takes::schemas || takes == Takes::dependencies);
        if (takes == Takes::pattern) check([&] { const Pattern compiled{value}; }, place);
        if (takes == Takes::here || takes == Takes::schema) return prepare(value, place, here);
        if (takes == Takes::items && !value.is_array()) return prepare(value, place, false);
        if (takes == Takes::schemas || takes == Takes::items) {
            Json list = Json::array();
            for (std::size_t i = 0; i < value.size(); ++i) {
                auto one = prepare(value[i], place / i, here);
                list.push_back(takes == Takes::items ? and_go_on(std::move(one)) : std::move(one));
            }
            return list;
        }
        if (takes != Takes::members && takes != Takes::by_pattern && takes != Takes::dependencies) return value;
        Json members = Json::object();
        for (const auto& [name, member] : value.items()) {
            if (takes == Takes::by_pattern) {
                has_name_patterns_ = true;
                check([&name = name] { const std::regex compiled{name}; }, place / name);
            }
            const bool is_list = takes == Takes::dependencies && member.is_array();
            if (is_list && !is_list_of(member, is_text)) mistake(place / name, "must be a list of names or a schema");
            members[name] = is_list ? Json::array() : prepare(member, place / name, here);
            if (takes == Takes::by_pattern) members[name] = and_go_on(std::move(members[name]));
        }
        return members;
    }

    template <class Compile>
    void check(const Compile& compile, const Pointer& place) {
        try {
            compile();
        } catch (const std::exception& error) {
            mistake(place, std::string{"is no regular expression that can be run: "} + error.what());
        }
    }

    Json follow(const Json& reference, const Pointer& place, bool same_value) {
        const auto text = reference.is_string() ? reference.get<std::string>() : std::string{};
        try {
            if (!text.starts_with('#')) {
                mistake(place, "must stay within the schema: '#/…'");
            } else if (const Pointer target{decode_percent(std::string_view{text}.substr(1))}; root_.contains(target)) {
                const auto number = number_of(root_.at(target), target);
                if (same_value) same_value_[current_].insert(number);
                return reference_to(number);
            } else {
                mistake(place, "leads nowhere: the schema has no '" + text + "'");
            }
        } catch (const Json::exception&) {
            mistake(place, "is no JSON pointer: '" + text + "'");
        }
        return Json::object();
    }

    bool leads_back(std::size_t number, std::vector<char>& states) const {
        constexpr char under_way = 1;
        constexpr char done = 2;
        states[number] = under_way;
        for (const auto next : same_value_[number]) {
            if (states[next] == under_way || (states[next] != done && leads_back(next, states))) return true;
        }
        states[number] = done;
        return false;
    }

    const Json& root_;
    bool has_name_patterns_ = false;
    std::size_t current_ = 0;  ///< the definition that is being prepared
    std::vector<std::pair<const Json*, Pointer>> targets_;
    std::map<const Json*, std::size_t> numbers_;
    std::vector<std::set<std::size_t>> same_value_;  ///< by definition: those that it applies to the very same value
    std::vector<SchemaMistake> mistakes_;
};

std::string summary(const std::vector<SchemaMistake>& mistakes) {
    std::string text = "the body's schema is not valid:";
    for (const auto& [pointer, message] : mistakes)
        text.append(" '#").append(pointer).append("' ").append(message).append(";");
    text.pop_back();
    return text;
}

}  // namespace

SchemaError::SchemaError(std::vector<SchemaMistake> found)
    : std::invalid_argument{summary(found)}, mistakes_{std::move(found)} {}

Json read_schema(std::string_view text) {
    auto read = read_exactly(text);
    if (auto* wrong = std::get_if<std::string>(&read)) throw SchemaError{{{"", std::move(*wrong)}}};
    return std::get<ExactJson>(std::move(read)).root;
}

PreparedSchema prepare_schema(const Json& schema) { return Preparation{schema}.run(); }

const std::vector<std::string>& checked_formats() {
    static const std::vector<std::string> formats{"date", "time", "date-time", "uuid", "email"};
    return formats;
}

}  // namespace sluice::endpoints

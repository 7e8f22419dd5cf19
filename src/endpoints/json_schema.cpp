#include "endpoints/json_schema.hpp"

#include "endpoints/json_keywords.hpp"
#include "endpoints/pattern.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <regex>
#include <set>
#include <string_view>

namespace sluice::endpoints {
namespace {

using Pointer = Json::json_pointer;

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

/// What a `$ref` leads to. `allOf` is what valijson judges first, so that no evaluation begins before it was counted.
Json counted(Json schema) {
    if (schema.contains("$ref")) return schema;  // to what is counted itself
    auto& all = schema["allOf"];
    if (all.is_null()) all = Json::array();
    all.insert(all.begin(), Json::object({{"=count", true}}));
    return schema;
}

class Preparation {
public:
    explicit Preparation(const Json& root) : root_{root} {}

    PreparedSchema run() {
        number_of(root_, Pointer{});
        Json definitions = Json::object();
        for (std::size_t i = 0; i < targets_.size(); ++i) {  // grows meanwhile
            current_ = i;
            const auto [target, place] = targets_[i];
            definitions[std::to_string(i)] = counted(prepare(*target, place, true));
        }
        std::vector<char> states(targets_.size());
        for (std::size_t i = 0; i < targets_.size(); ++i) {
            if (states[i] != 0 || !leads_back(i, states)) continue;
            mistake(targets_[i].second, "is led back to by its own '$ref', so that nothing is ever decided");
            break;
        }
        prepared_.schema = Json::object({{"definitions", std::move(definitions)}});
        prepared_.schema["allOf"] = Json::array({reference_to(0)});
        return std::move(prepared_);
    }

private:
    void mistake(const Pointer& place, std::string message) { prepared_.mistakes.push_back({place, std::move(message)}); }

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
        look_over(schema, place);
        if (schema.contains("$ref")) return follow(schema["$ref"], place / "$ref", same_value);

        Json result = Json::object();  // what is inside of the value
        Json simple = Json::object();  // judged in one go; which part is violated is asked only if one is
        Json parts = Json::array();
        Json all = Json::array();
        for (const auto& [word, value] : schema.items()) {
            const auto known = keywords().find(word);
            if (known == keywords().end()) continue;
            const auto& [takes, message, ours, holds] = known->second;
            if (!takes.fits(value)) {
                mistake(place / word, "must be " + std::string{takes.expected});
                continue;
            }
            if (word == "uniqueItems" && value == false) continue;
            if (word == "format" && !is_checked(value)) {
                prepared_.unchecked_formats.push_back(place / word);
                continue;
            }
            if (word == "type") check_types(value, place / word);
            if (word == "pattern") check([&value = value] { const Pattern compiled{value}; }, place / word);
            auto inner = inside(holds, value, place / word, same_value);
            if (word == "required") {
                for (const auto& name : value) parts.push_back(clause(word, Json::array({name}), fill_in(message, name)));
                simple[word] = value;
            } else if (word == "dependencies") {
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
            } else if (holds != Holds::none) {
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

    /// Words that are not judged.
    void look_over(const Json& schema, const Pointer& place) {
        const bool reference = schema.contains("$ref");
        for (const auto& [word, value] : schema.items()) {
            const bool describes = describing_words().contains(word);
            if (word == "$id" && !place.empty() && !(value.is_string() && value.get<std::string>().starts_with('#'))) {
                mistake(place / word, "is supported at the schema's top alone, as it changes what references mean");
            } else if (word == "$schema" && for_display(value).find("draft-07") == std::string::npos) {
                mistake(place / word, "must be http://json-schema.org/draft-07/schema#, as which it is read");
            } else if (!describes && !keywords().contains(word)) {
                prepared_.unknown_words.push_back(place / word);
            } else if (reference && !describes && word != "definitions") {
                prepared_.overridden_words.push_back(place / word);
            }
            if (reference && word == "definitions" && value.is_object()) inside(Holds::members, value, place / word, false);
        }
    }

    static bool is_checked(const Json& format) {
        const auto& formats = checked_formats();
        return std::find(formats.begin(), formats.end(), format) != formats.end();
    }

    void check_types(const Json& value, const Pointer& place) {
        constexpr auto message = "must be a JSON type";
        if (!value.is_array() && !is_type(value)) mistake(place, message);
        for (std::size_t i = 0; value.is_array() && i < value.size(); ++i) {
            if (!is_type(value[i])) mistake(place / i, message);
        }
    }

    static Json clause(const std::string& word, Json value, std::string message) {
        return Json::object({{"if", Json::object({{word, std::move(value)}})}, {"else", fail(std::move(message))}});
    }

    /// A word's value with the schemas in it prepared.
    Json inside(Holds holds, const Json& value, const Pointer& place, bool same_value) {
        if (holds == Holds::none) return value;
        const bool here = same_value && (holds == Holds::here || holds == Holds::several || holds == Holds::dependencies);
        if (holds == Holds::one || holds == Holds::here) return prepare(value, place, here);
        if (holds == Holds::items && !value.is_array()) return prepare(value, place, false);
        Json result = value;
        for (std::size_t i = 0; value.is_array() && i < value.size(); ++i) {
            result[i] = prepare(value[i], place / i, here);
            if (holds == Holds::items) result[i] = and_go_on(std::move(result[i]));
        }
        if (value.is_array()) return result;
        for (const auto& [name, member] : value.items()) {
            const bool is_list = holds == Holds::dependencies && member.is_array();
            if (is_list && !is_names(member)) mistake(place / name, "must be a list of names or a schema");
            if (!is_list) result[name] = prepare(member, place / name, here);
            if (holds != Holds::by_pattern) continue;
            prepared_.has_name_patterns = true;
            check([&name = name] { const std::regex compiled{name}; }, place / name);
            result[name] = and_go_on(std::move(result[name]));
        }
        return result;
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
    PreparedSchema prepared_;
    std::size_t current_ = 0;  ///< the definition that is being prepared
    std::vector<std::pair<const Json*, Pointer>> targets_;
    std::map<const Json*, std::size_t> numbers_;
    std::vector<std::set<std::size_t>> same_value_;  ///< by definition: those that it applies to the very same value
};

}  // namespace

Json read_schema(std::string_view source) {
    auto read = read_exactly(source);
    if (const auto* wrong = std::get_if<std::string>(&read)) throw std::invalid_argument{"the body's schema " + *wrong};
    return std::get<ExactJson>(std::move(read)).root;
}

PreparedSchema prepare_schema(const Json& schema) { return Preparation{schema}.run(); }

const std::vector<std::string>& checked_formats() {
    static const std::vector<std::string> formats{"date", "time", "date-time", "uuid", "email"};
    return formats;
}

const std::vector<std::string>& schema_words() {
    static const std::vector<std::string> words = [] {
        std::vector<std::string> all{describing_words().begin(), describing_words().end()};
        for (const auto& [word, keyword] : keywords()) all.emplace_back(word);
        return all;
    }();
    return words;
}

}  // namespace sluice::endpoints

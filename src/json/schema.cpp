#include "json/schema.hpp"

#include "json/keywords.hpp"
#include "json/pattern.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::json {
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

/// Throws Json::exception if the reference, behind its `#`, is no JSON pointer.
Pointer pointer_of(std::string_view reference) { return Pointer{decode_percent(reference.substr(1))}; }

std::string fill_in(std::string_view message, const std::string& value) {
    std::string text{message};
    if (const auto gap = text.find('#'); gap != text.npos) text.replace(gap, 1, value);
    return text;
}

class Preparation {
public:
    explicit Preparation(const Json& root) : root_{root} {}

    PreparedSchema run() {
        number_of(root_, Pointer{});
        for (std::size_t i = 0; i < targets_.size(); ++i) {  // grows meanwhile
            const auto [schema, place] = targets_[i];
            auto node = prepare(*schema, place);
            prepared_.nodes[i] = std::move(node);
        }
        std::vector<char> states(targets_.size());
        for (std::size_t i = 0; i < targets_.size(); ++i) {
            if (states[i] != 0) continue;
            const auto circle = leads_back(i, states);
            if (!circle) continue;
            mistake(targets_[*circle].second, "is led back to by its own '$ref', so that nothing is ever decided");
            break;
        }
        return std::move(prepared_);
    }

private:
    void mistake(const Pointer& place, std::string message) { prepared_.mistakes.push_back({place, std::move(message)}); }

    SchemaNumber number_of(const Json& schema, const Pointer& place) {
        const auto [known, is_new] = numbers_.try_emplace(&schema, targets_.size());
        if (is_new) {
            targets_.emplace_back(&schema, place);
            prepared_.nodes.emplace_back();
        }
        return known->second;
    }

    SchemaNode prepare(const Json& schema, const Pointer& place) {
        SchemaNode node;
        if (schema.is_boolean()) {
            node.never = !schema.get<bool>();
            return node;
        }
        if (!schema.is_object()) {
            mistake(place, "must be a JSON Schema: a mapping, true or false");
            return node;
        }
        look_over(schema, place);
        if (schema.contains("$ref")) {
            node.reference = follow(schema["$ref"], place / "$ref");
            return node;
        }
        other_items_.reset();
        for (const auto& [word, value] : schema.items()) {
            const auto known = keywords().find(word);
            if (known == keywords().end()) continue;
            const auto& [takes, message] = known->second;
            if (!takes.fits(value)) {
                mistake(place / word, "must be " + std::string{takes.expected});
                continue;
            }
            if (!message.empty()) add_assertions(node, word, value, message, place / word);
            if (message.empty() || word == "dependencies") add_schemas(node, word, value, place / word);
        }
        if (schema.contains("items") && schema["items"].is_array()) node.items = other_items_;
        return node;
    }

    void add_assertions(SchemaNode& node, const std::string& word, const Json& value, std::string_view message,
                        const Pointer& place) {
        if (word == "uniqueItems" && value == false) return;
        if (word == "format" && !is_checked(value)) {
            prepared_.unchecked_formats.push_back(place);
            return;
        }
        if (word == "type" && !check_types(value, place)) return;
        if (word == "required") {
            for (const auto& name : value) node.assertions.push_back(required_member(name, fill_in(message, name)));
            return;
        }
        if (word == "dependencies") return add_needed_members(node, value, message, place);
        try {
            node.assertions.push_back(assertion_of(word, value, fill_in(message, for_display(value))));
        } catch (const std::invalid_argument& error) {
            cannot_run(place, error);
        }
    }

    void add_needed_members(SchemaNode& node, const Json& dependencies, std::string_view message, const Pointer& place) {
        for (const auto& [name, needed] : dependencies.items()) {
            if (!needed.is_array()) continue;
            if (!is_names(needed)) {
                mistake(place / name, "must be a list of names or a schema");
                continue;
            }
            for (const auto& one : needed) {
                auto text = fill_in(message, one).append("'").append(name).append("'");
                node.assertions.push_back(required_together(name, one, std::move(text)));
            }
        }
    }

    void add_schemas(SchemaNode& node, const std::string& word, const Json& value, const Pointer& place) {
        static const std::map<std::string_view, std::optional<SchemaNumber> SchemaNode::*> single{
            {"additionalProperties", &SchemaNode::other_properties},
            {"contains", &SchemaNode::contained},
            {"else", &SchemaNode::alternative},
            {"if", &SchemaNode::condition},
            {"not", &SchemaNode::negated},
            {"propertyNames", &SchemaNode::names},
            {"then", &SchemaNode::consequence},
        };
        static const std::map<std::string_view, std::vector<SchemaNumber> SchemaNode::*> several{
            {"allOf", &SchemaNode::all_of},
            {"anyOf", &SchemaNode::any_of},
            {"oneOf", &SchemaNode::one_of},
        };
        if (const auto found = single.find(word); found != single.end()) {
            node.*found->second = number_of(value, place);
        } else if (const auto list = several.find(word); list != several.end()) {
            node.*list->second = numbers_of(value, place);
        } else if (word == "items" && value.is_array()) {
            node.listed_items = numbers_of(value, place);
        } else if (word == "items") {
            node.items = number_of(value, place);
        } else if (word == "additionalItems") {
            other_items_ = number_of(value, place);
        } else {
            add_members(node, word, value, place);
        }
    }

    /// Of the words whose schemas have names.
    void add_members(SchemaNode& node, const std::string& word, const Json& value, const Pointer& place) {
        for (const auto& [name, schema] : value.items()) {
            if (word == "dependencies" && schema.is_array()) continue;
            const auto number = number_of(schema, place / name);
            if (word == "properties") node.properties[name] = number;
            if (word == "dependencies") node.dependencies.emplace_back(name, number);
            if (word != "patternProperties") continue;
            try {
                node.patterns.emplace_back(std::make_shared<const Pattern>(name), number);
            } catch (const std::invalid_argument& error) {
                cannot_run(place / name, error);
            }
        }
    }

    std::vector<SchemaNumber> numbers_of(const Json& schemas, const Pointer& place) {
        std::vector<SchemaNumber> numbers;
        for (std::size_t i = 0; i < schemas.size(); ++i) numbers.push_back(number_of(schemas[i], place / i));
        return numbers;
    }

    void cannot_run(const Pointer& place, const std::invalid_argument& error) {
        mistake(place, std::string{"is no regular expression that can be run: "} + error.what());
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
            if (reference && word == "definitions" && value.is_object()) {
                for (const auto& [name, definition] : value.items()) number_of(definition, place / word / name);
            }
        }
    }

    static bool is_checked(const Json& format) {
        const auto& formats = checked_formats();
        return std::find(formats.begin(), formats.end(), format) != formats.end();
    }

    bool check_types(const Json& value, const Pointer& place) {
        constexpr auto message = "must be a JSON type";
        if (!value.is_array()) {
            if (!is_type(value)) mistake(place, message);
            return is_type(value);
        }
        bool good = true;
        for (std::size_t i = 0; i < value.size(); ++i) {
            if (is_type(value[i])) continue;
            mistake(place / i, message);
            good = false;
        }
        return good;
    }

    std::optional<SchemaNumber> follow(const Json& reference, const Pointer& place) {
        const auto text = reference.is_string() ? reference.get<std::string>() : std::string{};
        try {
            if (!text.starts_with('#')) {
                mistake(place, "must stay within the schema: '#/…'");
            } else if (const auto* target = referenced(root_, text)) {
                return number_of(*target, pointer_of(text));
            } else {
                mistake(place, "leads nowhere: the schema has no '" + text + "'");
            }
        } catch (const Json::exception&) {
            mistake(place, "is no JSON pointer: '" + text + "'");
        }
        return std::nullopt;
    }

    /// Those that a schema applies to the very same value.
    static std::vector<SchemaNumber> of_the_same_value(const SchemaNode& node) {
        std::vector<SchemaNumber> numbers;
        for (const auto* several : {&node.all_of, &node.any_of, &node.one_of})
            numbers.insert(numbers.end(), several->begin(), several->end());
        for (const auto& [name, schema] : node.dependencies) numbers.push_back(schema);
        for (const auto* one : {&node.reference, &node.negated, &node.condition, &node.consequence, &node.alternative}) {
            if (*one) numbers.push_back(**one);
        }
        return numbers;
    }

    /// To which schema a circle leads back.
    std::optional<SchemaNumber> leads_back(SchemaNumber number, std::vector<char>& states) const {
        constexpr char under_way = 1;
        constexpr char done = 2;
        states[number] = under_way;
        for (const auto next : of_the_same_value(prepared_.nodes[number])) {
            if (states[next] == under_way) return next;
            if (states[next] == done) continue;
            if (const auto found = leads_back(next, states)) return found;
        }
        states[number] = done;
        return std::nullopt;
    }

    const Json& root_;
    PreparedSchema prepared_;
    std::vector<std::pair<const Json*, Pointer>> targets_;  ///< of each node: the schema that it is made of
    std::map<const Json*, SchemaNumber> numbers_;
    std::optional<SchemaNumber> other_items_;  ///< of the schema that is being prepared
};

}  // namespace

Json read_schema(std::string_view source) {
    auto read = read_exactly(source);
    if (const auto* wrong = std::get_if<std::string>(&read)) throw std::invalid_argument{"the body's schema " + *wrong};
    return std::get<ExactJson>(std::move(read)).root;
}

const Json* referenced(const Json& schema, std::string_view reference) {
    if (!reference.starts_with('#')) return nullptr;
    const auto pointer = pointer_of(reference);
    return schema.contains(pointer) ? &schema.at(pointer) : nullptr;
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

}  // namespace sluice::json

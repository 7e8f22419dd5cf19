#include "config/body_schema.hpp"

#include "config/section.hpp"
#include "config/suggestion.hpp"
#include "endpoints/decimal.hpp"
#include "endpoints/json_body.hpp"
#include "endpoints/json_schema.hpp"

#include <algorithm>
#include <map>

namespace sluice::config {
namespace {

using Words = std::vector<std::string>;

const Words type_words{"object", "array", "string", "integer", "number", "boolean", "null"};

// Draft 7's words by what they hold.
const Words schema_words{
    "additionalItems", "additionalProperties", "contains", "not", "propertyNames", "if", "then", "else"};
const Words schema_list_words{"allOf", "anyOf", "oneOf", "items"};
const Words schema_map_words{"properties", "patternProperties", "definitions", "dependencies"};
const Words value_words{"const",      "enum",    "exclusiveMaximum", "exclusiveMinimum", "format",    "maxItems",
                        "maxLength",  "maximum", "maxProperties",    "minItems",         "minLength", "minimum",
                        "multipleOf", "pattern", "minProperties",    "required",         "type",      "uniqueItems"};
const Words describing_words{"$comment", "$id",      "$schema", "default",  "description",
                             "examples", "readOnly", "title",   "writeOnly"};

/// Words that are not checked and would be missed: those of other drafts and dialects, and what to write instead.
const std::map<std::string_view, std::string_view> foreign_words{
    {"$anchor", "'definitions' and '#/definitions/…'"},
    {"$defs", "'definitions'"},
    {"$dynamicRef", "'$ref'"},
    {"$recursiveRef", "'$ref'"},
    {"contentEncoding", "'pattern'"},
    {"contentMediaType", "a text that the statement casts"},
    {"dependentRequired", "'dependencies'"},
    {"dependentSchemas", "'dependencies'"},
    {"discriminator", "'oneOf' and 'const'"},
    {"divisibleBy", "'multipleOf'"},
    {"extends", "'allOf'"},
    {"id", "'$id'"},
    {"maxContains", "'contains' and 'maxItems'"},
    {"minContains", "'contains'"},
    {"nullable", "'type: [string, \"null\"]'"},
    {"prefixItems", "a list of schemas in 'items'"},
    {"unevaluatedItems", "'additionalItems'"},
    {"unevaluatedProperties", "'additionalProperties'"},
};

bool is_among(const Words& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

const Words& all_words() {
    static const Words words = [] {
        Words all{"$ref"};
        for (const auto* some : {&schema_words, &schema_list_words, &schema_map_words, &value_words, &describing_words})
            all.insert(all.end(), some->begin(), some->end());
        return all;
    }();
    return words;
}

std::string quoted(const std::string& text) {
    return endpoints::Json(text).dump(-1, ' ', false, endpoints::Json::error_handler_t::replace);
}

/// Numbers as they stand in the file, never through a double.
std::string to_json(const Node& node, Mistakes& mistakes) {
    std::string text;
    for (const auto& item : node.items) text.append(text.empty() ? "" : ",").append(to_json(item, mistakes));
    for (const auto& [name, location, value] : node.members)
        text.append(text.empty() ? "" : ",").append(quoted(name)).append(":").append(to_json(value, mistakes));
    if (node.is(Node::Kind::sequence)) return "[" + text + "]";
    if (node.is(Node::Kind::mapping)) return "{" + text + "}";
    const auto type = node.is(Node::Kind::null) ? ScalarType::null : type_of(node);
    if (type == ScalarType::null) return "null";
    if (type == ScalarType::boolean) return node.text.front() == 't' || node.text.front() == 'T' ? "true" : "false";
    if (type == ScalarType::string) return quoted(node.text);
    if (endpoints::is_json_number(node.text)) return node.text;
    mistakes.add(node.location, "JSON has no number " + describe(node));
    return "null";
}

bool has_broken(const Node& node) {
    const auto is_broken = [](const Member& member) { return has_broken(member.value); };
    return node.broken || std::any_of(node.items.begin(), node.items.end(), has_broken) ||
           std::any_of(node.members.begin(), node.members.end(), is_broken);
}

/// Words that would be ignored or are likely to be meant otherwise. What their values must be, compiling tells.
void check_words(const Node& schema, Mistakes& mistakes) {
    for (const auto& [name, location, value] : schema.members) {
        if (value.broken) continue;
        if (const auto foreign = foreign_words.find(name); foreign != foreign_words.end()) {
            mistakes.add(location, "'" + name + "' is no word of JSON Schema draft 7 that is checked: use " +
                                       std::string{foreign->second});
        } else if (!is_among(all_words(), name)) {
            // Unknown words are ignored, as the draft has it; a slip of the pen is none.
            if (auto meant = suggestion(name, all_words()); !meant.empty())
                mistakes.add(location, "unknown word '" + name + "' in a JSON Schema" + meant);
        } else if (schema.find("$ref") && name != "$ref" && name != "definitions" && !is_among(describing_words, name)) {
            mistakes.add(location, "'" + name + "' beside a '$ref' is ignored in draft 7: put both into an 'allOf'");
        } else if (name == "$schema" && value.text.find("draft-07") == std::string::npos) {
            mistakes.add(value.location, "a body's schema is read as draft 7 (http://json-schema.org/draft-07/schema#)");
        } else if (name == "format" && !is_among(endpoints::checked_formats(), value.text)) {
            if (auto meant = suggestion(value.text, endpoints::checked_formats()); !meant.empty())
                mistakes.add(value.location, "the format " + describe(value) + " is not checked" + meant);
        } else if (name == "type") {
            const auto& types = value.is(Node::Kind::sequence) ? value.items : std::vector{value};
            for (const auto& type : types) {
                if (type.is(Node::Kind::scalar) && !is_among(type_words, type.text))
                    mistakes.add(type.location, "unknown JSON type " + describe(type) + suggestion(type.text, type_words));
            }
        } else if (is_among(schema_map_words, name)) {
            for (const auto& member : value.members) check_words(member.value, mistakes);
        } else if (is_among(schema_words, name) || is_among(schema_list_words, name)) {
            check_words(value, mistakes);
            for (const auto& item : value.items) check_words(item, mistakes);
        }
    }
}

/// Where the pointer leads to in the file, or the last place on the way.
const Node& place_of(const Node& schema, endpoints::Json::json_pointer pointer) {
    if (pointer.empty()) return schema;
    const auto step = pointer.back();
    pointer.pop_back();
    const auto& parent = place_of(schema, pointer);
    if (const auto* member = parent.find(step)) return *member;
    for (std::size_t i = 0; i < parent.items.size(); ++i) {
        if (std::to_string(i) == step) return parent.items[i];
    }
    return parent;
}

/// Places that have a mistake already are left alone.
void check_by_compiling(const Node& schema, const std::string& json, Mistakes& mistakes) {
    try {
        const endpoints::JsonBody compiled{json, {}};
    } catch (const endpoints::SchemaError& error) {
        const auto reported = mistakes.sorted();
        for (const auto& [pointer, message] : error.mistakes()) {
            const endpoints::Json::json_pointer way{pointer};
            const auto& place = place_of(schema, way);
            const auto is_here = [&](const ConfigurationMistake& other) {
                const auto is_at = [&](const Node& node) {
                    return other.location.line == node.location.line && other.location.column == node.location.column;
                };
                return is_at(place) || std::any_of(place.items.begin(), place.items.end(), is_at);
            };
            if (std::any_of(reported.begin(), reported.end(), is_here)) continue;
            const auto word = way.empty() ? "body" : way.back();
            const auto found = message.starts_with("must be ") ? ", not " + describe(place) : std::string{};
            mistakes.add(place.location, "'" + word + "' " + message + found);
        }
    }
}

}  // namespace

BodySchema read_body_schema(const Node& node, Mistakes& mistakes) {
    BodySchema body;
    if (!node.is(Node::Kind::mapping)) {
        mistakes.add(node.location, "'body' must be a JSON Schema as a mapping, not " + describe(node));
        return body;
    }
    Mistakes found;
    check_words(node, found);
    body.json = to_json(node, found);
    if (!has_broken(node)) check_by_compiling(node, body.json, found);
    for (const auto& mistake : found.sorted()) mistakes.add(mistake.location, mistake.message);
    if (const auto* properties = node.find("properties")) {
        for (const auto& member : properties->members) body.properties.push_back({member.name, member.location});
    }
    return body;
}

}  // namespace sluice::config

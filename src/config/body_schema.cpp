#include "config/body_schema.hpp"

#include "config/literal.hpp"
#include "config/section.hpp"
#include "config/suggestion.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace sluice::config {
namespace {

using Json = nlohmann::ordered_json;

const std::vector<std::string> type_words{"object", "array", "string", "integer", "number", "boolean", "null"};

Json to_json(const Node& node, Mistakes& mistakes) {
    switch (node.kind) {
        case Node::Kind::null:
            return nullptr;
        case Node::Kind::sequence: {
            Json list = Json::array();
            for (const auto& item : node.items) list.push_back(to_json(item, mistakes));
            return list;
        }
        case Node::Kind::mapping: {
            Json object = Json::object();
            for (const auto& member : node.members) object[member.name] = to_json(member.value, mistakes);
            return object;
        }
        case Node::Kind::scalar:
            break;
    }
    const auto type = type_of(node);
    if (type == ScalarType::boolean) return node.text.front() == 't' || node.text.front() == 'T';
    if (type == ScalarType::integer || type == ScalarType::number) {
        auto number = Json::parse(node.text, nullptr, false);
        if (!number.is_discarded()) return number;
        mistakes.add(node.location, "the number " + describe(node) + " is out of range");
        return nullptr;
    }
    return node.text;
}

void check_schema(const Node& schema, Mistakes& mistakes);

void check_type_word(const Node& node, Mistakes& mistakes) {
    if (node.broken) return;
    if (!node.is(Node::Kind::scalar))
        return mistakes.add(node.location, "a JSON type must be a text, not " + describe(node));
    if (std::find(type_words.begin(), type_words.end(), node.text) != type_words.end()) return;
    mistakes.add(node.location, "unknown JSON type " + describe(node) + suggestion(node.text, type_words));
}

void check_keyword(const Member& member, Mistakes& mistakes) {
    const auto& [name, location, value] = member;
    if (value.broken) return;
    if (name == "type") {
        if (!value.is(Node::Kind::sequence)) return check_type_word(value, mistakes);
        for (const auto& word : value.items) check_type_word(word, mistakes);
    } else if (name == "properties" || name == "patternProperties" || name == "definitions") {
        if (!value.is(Node::Kind::mapping)) {
            return mistakes.add(value.location, "'" + name + "' must be a mapping, not " + describe(value));
        }
        for (const auto& property : value.members) check_schema(property.value, mistakes);
    } else if (name == "required") {
        if (!value.is(Node::Kind::sequence)) {
            mistakes.add(value.location, "'required' in a JSON Schema must be a list of names, not " + describe(value));
        }
    } else if (name == "pattern") {
        if (!value.is(Node::Kind::scalar) || !is_pattern(value.text)) {
            mistakes.add(value.location, "'pattern' is no regular expression (ECMAScript): " + describe(value));
        }
    } else if (name == "$ref") {
        if (!value.text.starts_with('#')) mistakes.add(value.location, "a '$ref' must stay within the schema: '#/…'");
    } else if (name == "additionalProperties" || name == "not" || (name == "items" && !value.is(Node::Kind::sequence))) {
        check_schema(value, mistakes);
    } else if (name == "allOf" || name == "anyOf" || name == "oneOf" || name == "items") {
        if (!value.is(Node::Kind::sequence)) {
            return mistakes.add(value.location, "'" + name + "' must be a list of schemas, not " + describe(value));
        }
        for (const auto& item : value.items) check_schema(item, mistakes);
    }
}

void check_schema(const Node& schema, Mistakes& mistakes) {
    if (schema.broken || type_of(schema) == ScalarType::boolean) return;
    if (!schema.is(Node::Kind::mapping)) {
        return mistakes.add(schema.location, "a JSON Schema must be a mapping, true or false, not " + describe(schema));
    }
    for (const auto& member : schema.members) check_keyword(member, mistakes);
}

}  // namespace

BodySchema read_body_schema(const Node& node, Mistakes& mistakes) {
    BodySchema body;
    if (!node.is(Node::Kind::mapping)) {
        mistakes.add(node.location, "'body' must be a JSON Schema as a mapping, not " + describe(node));
        return body;
    }
    check_schema(node, mistakes);
    body.json = to_json(node, mistakes).dump(-1, ' ', false, Json::error_handler_t::replace);
    if (const auto* properties = node.find("properties")) {
        for (const auto& member : properties->members) body.properties.push_back({member.name, member.location});
    }
    return body;
}

}  // namespace sluice::config

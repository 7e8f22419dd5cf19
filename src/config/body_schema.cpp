#include "config/body_schema.hpp"

#include "config/json_text.hpp"
#include "config/section.hpp"
#include "config/suggestion.hpp"
#include "json/schema.hpp"

#include <algorithm>
#include <map>

namespace sluice::config {
namespace {

using Pointer = json::Json::json_pointer;

const std::vector<std::string> type_words{"object", "array", "string", "integer", "number", "boolean", "null"};

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

bool has_broken(const Node& node) {
    const auto is_broken = [](const Member& member) { return has_broken(member.value); };
    return node.broken || std::any_of(node.items.begin(), node.items.end(), has_broken) ||
           std::any_of(node.members.begin(), node.members.end(), is_broken);
}

/// Where the pointer leads to in the file, or the last place on the way.
const Node& place_of(const Node& schema, Pointer pointer) {
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

/// Those that would be ignored, and are likely to be meant otherwise.
void report_words(const Node& schema, const json::PreparedSchema& prepared, Mistakes& mistakes) {
    const auto add = [&](const Pointer& place, const auto& message_of) {
        for (const auto& member : place_of(schema, place.parent_pointer()).members) {
            if (member.name != place.back()) continue;
            if (const std::string message = message_of(member.name); !message.empty())
                mistakes.add(member.location, message);
        }
    };
    for (const auto& place : prepared.unknown_words) {
        add(place, [](const std::string& word) {
            const auto foreign = foreign_words.find(word);
            if (foreign != foreign_words.end())
                return "'" + word + "' is no word of JSON Schema draft 7 that is checked: use " +
                       std::string{foreign->second};
            // Unknown words are ignored, as the draft has it; a slip of the pen is none.
            auto meant = suggestion(word, json::schema_words());
            if (meant.empty()) return meant;
            return std::string{"unknown word '"}.append(word).append("' in a JSON Schema").append(meant);
        });
    }
    for (const auto& place : prepared.overridden_words) {
        add(place, [](const std::string& word) {
            return "'" + word + "' beside a '$ref' is ignored in draft 7: put both into an 'allOf'";
        });
    }
    for (const auto& place : prepared.unchecked_formats) {
        const auto& format = place_of(schema, place);
        const auto meant = suggestion(format.text, json::checked_formats());
        if (!meant.empty()) mistakes.add(format.location, "the format " + describe(format) + " is not checked" + meant);
    }
}

void report_mistakes(const Node& schema, const json::PreparedSchema& prepared, Mistakes& mistakes) {
    for (auto [place, message] : prepared.mistakes) {
        const auto& node = place_of(schema, place);
        if (message.starts_with("must be ")) message += ", not " + describe(node);
        if (message.starts_with("must be a JSON type")) message += suggestion(node.text, type_words);
        while (!place.empty() && place_of(schema, place.parent_pointer()).is(Node::Kind::sequence)) place.pop_back();
        mistakes.add(node.location, "'" + (place.empty() ? "body" : place.back()) + "' " + message);
    }
}

}  // namespace

BodySchema read_body_schema(const Node& node, Mistakes& mistakes) {
    BodySchema body;
    if (!node.is(Node::Kind::mapping)) {
        mistakes.add(node.location, "'body' must be a JSON Schema as a mapping, not " + describe(node));
        return body;
    }
    body.json = json_text(node, mistakes);
    if (!has_broken(node)) {
        const auto prepared = json::prepare_schema(json::read_schema(body.json));
        report_words(node, prepared, mistakes);
        report_mistakes(node, prepared, mistakes);
    }
    if (const auto* properties = node.find("properties")) {
        for (const auto& member : properties->members) body.properties.push_back({member.name, member.location});
    }
    return body;
}

}  // namespace sluice::config

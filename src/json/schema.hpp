// JSON Schema draft 7, read: what is wrong with a schema, and the form in which documents are judged by it.
#pragma once

#include "json/exact_json.hpp"
#include "json/schema_node.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::json {

/// What is wrong with a schema, and where.
struct SchemaMistake {
    Json::json_pointer place;  ///< in the schema
    std::string message;
};

struct PreparedSchema {
    std::vector<SchemaNode> nodes;                  ///< the whole schema is the first
    std::vector<SchemaMistake> mistakes;            ///< if there are any, `nodes` are none
    std::vector<Json::json_pointer> unknown_words;  ///< ignored, as draft 7 has it
    std::vector<Json::json_pointer> unchecked_formats;
    std::vector<Json::json_pointer> overridden_words;  ///< ignored, as they stand beside a `$ref`
};

/// Throws std::invalid_argument if the text is no JSON.
Json read_schema(std::string_view source);
PreparedSchema prepare_schema(const Json& schema);
/// What a `$ref` leads to; null if it leads nowhere or out of the schema. Throws Json::exception for a malformed pointer.
const Json* referenced(const Json& schema, std::string_view reference);

/// Those that are checked. Any other is an annotation, as draft 7 allows.
const std::vector<std::string>& checked_formats();
/// The draft's words, those that are not judged among them.
const std::vector<std::string>& schema_words();

}  // namespace sluice::json

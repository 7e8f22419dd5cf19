// JSON Schema draft 7 as valijson 1.0 judges it right. Hides what valijson misreads: references that need unescaping or lead
// in circles, numbers as doubles, `false` schemas without a message, and reports of what failed inside of alternatives.
#pragma once

#include "endpoints/exact_json.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::endpoints {

/// What is wrong with a schema, and where.
struct SchemaMistake {
    Json::json_pointer place;  ///< in the schema
    std::string message;
};

struct PreparedSchema {
    /// Equivalent to the schema, but: every reference is `#/definitions/N`; `=maximum`, `=minimum`, `=exclusiveMaximum`,
    /// `=exclusiveMinimum`, `=multipleOf`, `=pattern`, `=format` and `=uniqueItems` stand for words that valijson does not
    /// judge itself; `=fail` fails, its value being the message, once for each violation; `=reporting` fits anything while
    /// messages are collected, and nothing otherwise; and `=count`, at the head of each definition, fits anything.
    Json schema;
    bool has_name_patterns = false;                 ///< `patternProperties`
    std::vector<SchemaMistake> mistakes;            ///< if there are any, `schema` is none
    std::vector<Json::json_pointer> unknown_words;  ///< ignored, as draft 7 has it
    std::vector<Json::json_pointer> unchecked_formats;
    std::vector<Json::json_pointer> overridden_words;  ///< ignored, as they stand beside a `$ref`
};

/// Throws std::invalid_argument if the text is no JSON.
Json read_schema(std::string_view source);
PreparedSchema prepare_schema(const Json& schema);

/// Those that are checked. Any other is an annotation, as draft 7 allows.
const std::vector<std::string>& checked_formats();
/// The draft's words, those that are not judged among them.
const std::vector<std::string>& schema_words();

}  // namespace sluice::endpoints

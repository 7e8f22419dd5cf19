// JSON Schema draft 7 as valijson 1.0 judges it right. Hides what valijson misreads: references that need unescaping or lead
// in circles, numbers as doubles, `false` schemas without a message, and reports of what failed inside of alternatives.
#pragma once

#include "endpoints/exact_json.hpp"

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::endpoints {

/// What is wrong with a schema, and where.
struct SchemaMistake {
    std::string pointer;  ///< into the schema (RFC 6901)
    std::string message;
};

class SchemaError : public std::invalid_argument {
public:
    explicit SchemaError(std::vector<SchemaMistake> found);
    const std::vector<SchemaMistake>& mistakes() const noexcept { return mistakes_; }

private:
    std::vector<SchemaMistake> mistakes_;
};

/// Throws SchemaError if the text is no JSON.
Json read_schema(std::string_view text);

struct PreparedSchema {
    /// Equivalent to the schema, but: every reference is `#/definitions/N`; `=maximum`, `=minimum`, `=exclusiveMaximum`,
    /// `=exclusiveMinimum`, `=multipleOf`, `=pattern`, `=format` and `=uniqueItems` stand for words that valijson does not
    /// judge itself; `=fail` fails, its value being the message, once for each violation; and `=reporting` fits anything
    /// while messages are collected, and nothing otherwise.
    Json schema;
    bool has_name_patterns = false;  ///< `patternProperties`
};

/// Words that draft 7 does not know are ignored. Throws SchemaError with all that is wrong.
PreparedSchema prepare_schema(const Json& schema);

/// Those that are checked. Any other is an annotation, as draft 7 allows.
const std::vector<std::string>& checked_formats();

}  // namespace sluice::endpoints

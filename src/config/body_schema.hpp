// `body:` of a route: JSON Schema written in YAML, turned into JSON text.
#pragma once

#include "config/document.hpp"
#include "config/mistakes.hpp"

#include <string>
#include <vector>

namespace sluice::config {

struct BodySchema {
    struct Property {
        std::string name;
        SourceLocation location;
    };
    std::string json;                  ///< the schema; members in the order of the file
    std::vector<Property> properties;  ///< the top level's
};

/// Unquoted scalars become what YAML 1.2's core schema says (5 a number, true a boolean, null null), quoted ones strings.
/// Reports, each at its line: what is no schema of draft 7, words that would be ignored (misspelt, of other drafts, beside a
/// `$ref`), patterns that do not compile, references that lead nowhere or out of the document.
BodySchema read_body_schema(const Node& node, Mistakes& mistakes);

}  // namespace sluice::config

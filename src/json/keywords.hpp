// The words of JSON Schema draft 7: what their values are, and what violating one is called.
#pragma once

#include "json/exact_json.hpp"

#include <map>
#include <set>
#include <string_view>

namespace sluice::json {

/// What a word's value is.
struct Takes {
    bool (*fits)(const Json&);
    std::string_view expected;
};

struct Keyword {
    Takes takes;
    std::string_view message;  ///< of an assertion; `#` is the value. Empty: it holds schemas (schema_node.hpp)
};

const std::map<std::string_view, Keyword>& keywords();
/// Words that are not judged, as the draft has it; `$ref` among them.
const std::set<std::string_view>& describing_words();

bool is_type(const Json& value);
bool is_names(const Json& value);

}  // namespace sluice::json

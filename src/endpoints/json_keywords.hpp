// The words of JSON Schema draft 7: what their values are, which schemas are inside, and what violating one is called.
#pragma once

#include "endpoints/exact_json.hpp"

#include <map>
#include <set>
#include <string_view>

namespace sluice::endpoints {

/// What a word's value is.
struct Takes {
    bool (*fits)(const Json&);
    std::string_view expected;
};

/// Which schemas are inside of it.
enum class Holds {
    none,
    one,           // for a part of the value
    here,          // one for the value itself
    several,       // for the value itself
    items,         // one, or a list of one for each item
    members,       // one for each name
    by_pattern,    // one for each regular expression
    dependencies,  // one or a list of names for each name
};

struct Keyword {
    Takes takes;
    std::string_view message;  ///< `#` is the value; empty: what is inside has messages of its own
    bool ours = false;         ///< judged by a rule of ours, under the name `=…`
    Holds holds = Holds::none;
};

const std::map<std::string_view, Keyword>& keywords();
/// Words that are not judged, as the draft has it; `$ref` among them.
const std::set<std::string_view>& describing_words();

bool is_type(const Json& value);
bool is_names(const Json& value);

}  // namespace sluice::endpoints

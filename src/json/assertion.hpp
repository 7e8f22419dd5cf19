// What a schema demands of a value without looking at schemas inside: types, bounds, patterns, required members.
#pragma once

#include "json/exact_json.hpp"
#include "json/findings.hpp"
#include "json/pattern.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::json {

struct Assertion {
    bool (*holds)(const Assertion& assertion, const Json& value, Findings& findings) = nullptr;
    std::string message;

    // What `holds` needs of these.
    std::size_t count = 0;
    Json bound;
    std::string text;
    std::string other;
    std::vector<std::string> texts;
    std::vector<Json> sorted;
    std::shared_ptr<const Pattern> pattern;
};

/// Of a word of the draft whose value fits it (json_keywords.hpp); `required` and `dependencies` have their own. Throws
/// std::invalid_argument for a pattern that cannot be compiled.
Assertion assertion_of(std::string_view word, const Json& value, std::string message);
/// The member must be there.
Assertion required_member(const std::string& name, std::string message);
/// The member must be there if another one is.
Assertion required_together(const std::string& name, const std::string& needed, std::string message);

}  // namespace sluice::json

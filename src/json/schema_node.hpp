// A schema as it is evaluated: its words as assertions and as the numbers of the schemas inside of it.
#pragma once

#include "json/assertion.hpp"
#include "json/pattern.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::json {

using SchemaNumber = std::size_t;  ///< index into PreparedSchema::nodes

struct SchemaNode {
    bool never = false;                     ///< the schema `false`
    std::optional<SchemaNumber> reference;  ///< all else is empty then
    std::vector<Assertion> assertions;      ///< by word

    // Of the same value.
    std::vector<SchemaNumber> all_of;
    std::vector<SchemaNumber> any_of;
    std::vector<SchemaNumber> one_of;
    std::vector<std::pair<std::string, SchemaNumber>> dependencies;  ///< if the member is there
    std::optional<SchemaNumber> negated;
    std::optional<SchemaNumber> condition;
    std::optional<SchemaNumber> consequence;
    std::optional<SchemaNumber> alternative;

    // Of what is inside.
    std::optional<SchemaNumber> contained;
    std::optional<SchemaNumber> names;
    std::vector<SchemaNumber> listed_items;
    std::optional<SchemaNumber> items;  ///< those that are not listed
    std::map<std::string, SchemaNumber, std::less<>> properties;
    std::vector<std::pair<std::shared_ptr<const Pattern>, SchemaNumber>> patterns;
    std::optional<SchemaNumber> other_properties;
};

}  // namespace sluice::json

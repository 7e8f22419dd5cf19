// Which types the values of a body's property can have, as far as its schema says at once: `type`, `enum` and `const`, by
// way of `$ref`, `allOf`, `anyOf` and `oneOf`. Pure.
#pragma once

#include "json/exact_json.hpp"
#include "sluice/settings.hpp"

#include <string>
#include <vector>

namespace sluice::json {

struct PropertyTypes {
    bool null = true;
    bool boolean = true;
    bool integer = true;   ///< numbers without a fraction
    bool fraction = true;  ///< the other numbers
    bool array = true;
    bool others = true;  ///< strings and objects

    /// What is bound, null apart; `string` for what can be several, as its text or JSON text.
    ParameterType parameter_type() const noexcept;
    /// Whether each number is an integer.
    bool integers_alone() const noexcept { return integer && !fraction; }
};

/// `schema`: the body's. A property that it does not know can have any.
PropertyTypes property_types(const Json& schema, const std::string& name);
/// Of a member that is reached from the outermost object inwards. If several schemas declare it, any of what they say.
PropertyTypes property_types(const Json& schema, const std::vector<std::string>& path);
/// Whether some schema's `properties`, also by way of `$ref`, `allOf`, `anyOf` and `oneOf`, have it.
bool declares(const Json& schema, const std::vector<std::string>& path);

}  // namespace sluice::json

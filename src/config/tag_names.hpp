// Tag templates as they stand in the configuration.
#pragma once

#include "config/section.hpp"

#include <string>
#include <vector>

namespace sluice::config {

/// Whose tags they are.
enum class TagOwner {
    table,  // its columns alone are named
    route,  // members of the body and fields of the request, too: `{body.name}`, `{header.x-tenant}`
};

/// The names in the template's braces, in order. What is wrong with it is reported at its place.
std::vector<std::string> names_in_tag(Section& section, const Node& item, TagOwner owner);

}  // namespace sluice::config

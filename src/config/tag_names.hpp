// Tag templates as they stand in the configuration.
#pragma once

#include "config/section.hpp"

#include <string>
#include <vector>

namespace sluice::config {

/// The names in the template's braces, in order. What is wrong with it is reported at its place.
std::vector<std::string> names_in_tag(Section& section, const Node& item);

}  // namespace sluice::config

// YAML → JSON text.
#pragma once

#include "config/document.hpp"
#include "config/mistakes.hpp"

#include <string>

namespace sluice::config {

/// Unquoted scalars become what YAML 1.2's core schema says (5 a number, true a boolean, null null), quoted ones strings;
/// members in the order of the file. Numbers as they stand there, never through a double; one that JSON does not have is
/// reported.
std::string json_text(const Node& node, Mistakes& mistakes);

}  // namespace sluice::config

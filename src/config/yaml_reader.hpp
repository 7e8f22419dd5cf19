// YAML text → Document. The only place that knows yaml-cpp.
#pragma once

#include "config/document.hpp"
#include "config/mistakes.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluice::config {

/// Parses one document. Aliases are copied in, merge keys (`<<`) applied. A syntax error is reported at its place and
/// nothing is returned; duplicate keys and keys that are no plain text are reported and left out. An empty text is an empty
/// mapping.
std::optional<Document> read_yaml(std::string_view text, const std::string& name, Mistakes& mistakes);

}  // namespace sluice::config

// `${NAME}` and `${NAME:-default}` in a parsed file. After parsing, so that no value can add YAML of its own.
#pragma once

#include "config/document.hpp"
#include "config/mistakes.hpp"

#include <functional>
#include <optional>
#include <string>

namespace sluice::config {

/// The value of a variable; nothing if it is unset.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// The process's own.
std::optional<std::string> process_environment(const std::string& name);

/// Replaces `${NAME}` and `${NAME:-default}` (also when NAME is empty, as in sh) in every scalar value below `node`; `$${`
/// becomes
/// `${`. An unset variable without default is a mistake that names it. Keys stay as they are.
void expand_environment(Node& node, const Environment& environment, Mistakes& mistakes);

}  // namespace sluice::config

// Rate limits in the configuration: `{ requests: 10, window: 1s }`, or a list of such.
#pragma once

#include "config/section.hpp"
#include "sluice/limits.hpp"

#include <vector>

namespace sluice::config {

/// The two keys of one limit, in a mapping that may have others. What is left out stays as it is.
void read_window_limit(Section& section, WindowLimit& limit);

/// One limit or several, each whole. `name` is what messages call the mapping.
std::vector<WindowLimit> read_window_limits(const Node& node, std::string_view name, Mistakes& mistakes);

}  // namespace sluice::config

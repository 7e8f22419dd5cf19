// What is allowed in a configuration but hardly meant. Pure.
#pragma once

#include "sluice/settings.hpp"

#include <string>
#include <vector>

namespace sluice::app {

/// Each begins with its place: `file:line:column: …`. In the order of the routes.
std::vector<std::string> notes_on(const Settings& settings);

}  // namespace sluice::app

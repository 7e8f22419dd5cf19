// `params:` of a route, and what its path template adds.
#pragma once

#include "config/document.hpp"
#include "config/mistakes.hpp"
#include "config/route_key.hpp"
#include "sluice/settings.hpp"

#include <vector>

namespace sluice::config {

/// The path's parameters in the template's order, then the query's in the file's. Those of the path that `params` leaves out
/// are strings, placed at the route. `params` may be null. A parameter with a mistake is still returned, for its name.
std::vector<ParameterSettings> read_parameters(const Node* params, const RouteKey& key, const SourceLocation& route,
                                               Mistakes& mistakes);

}  // namespace sluice::config

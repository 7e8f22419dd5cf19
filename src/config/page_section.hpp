// `page:` of a route: `{ by: [population desc, id], size: 20, max: 100 }`.
#pragma once

#include "config/section.hpp"
#include "sluice/settings.hpp"

#include <optional>

namespace sluice::config {

/// Reads and checks it. `route` is the route as read so far: method, parameters and result. Nothing if it is left out or is
/// of no use.
std::optional<PageSettings> read_page(Section& section, const RouteSettings& route);

}  // namespace sluice::config

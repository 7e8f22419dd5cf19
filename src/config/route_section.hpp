// One member of `routes:` → RouteSettings.
#pragma once

#include "config/document.hpp"
#include "config/mistakes.hpp"
#include "sluice/settings.hpp"

#include <optional>
#include <string>

namespace sluice::config {

struct ReadRoute {
    RouteSettings settings;
    std::string shape;  ///< two routes of one shape match the same requests
};

/// Reads and checks the route. Nothing when its key cannot be read; else whatever could be read, mistakes or not.
std::optional<ReadRoute> read_route(const Member& member, const Document& document, Mistakes& mistakes);

}  // namespace sluice::config

// `respond:` of a route.
#pragma once

#include "config/document.hpp"
#include "config/mistakes.hpp"
#include "sluice/route_settings.hpp"

namespace sluice::config {

/// `status`: overwritten where the section says one.
RespondRoute read_respond_section(const Node& node, unsigned& status, Mistakes& mistakes);

}  // namespace sluice::config

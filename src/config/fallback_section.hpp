// `fallback:` of a route: one, or a list of them.
#pragma once

#include "config/document.hpp"
#include "config/mistakes.hpp"
#include "config/upstream_call.hpp"
#include "sluice/route_settings.hpp"

#include <set>
#include <string>
#include <vector>

namespace sluice::config {

/// What fallbacks of a route can name.
struct FallbackScope {
    std::vector<std::string> names;       ///< parameters
    ResultShape result;                   ///< of a statement that says none
    const ComplaintAboutName& complaint;  ///< about names in calls
    std::set<std::string>& used;          ///< names that statements use are added
};

std::vector<Fallback> read_fallbacks(const Node& node, const Document& document, const FallbackScope& scope,
                                     Mistakes& mistakes);

}  // namespace sluice::config

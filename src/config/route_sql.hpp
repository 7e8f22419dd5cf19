// Checks the `:name`s of a route's SQL against what the route declares.
#pragma once

#include "config/document.hpp"
#include "config/mistakes.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice::config {

struct NamesInScope {
    std::vector<std::string> names;  ///< parameters and body properties
    bool has_body = false;           ///< `:body` means something
    bool complete = true;            ///< false: part of the route could not be read, so unknown names are not reported
};

/// The names that the SQL uses; nothing if it cannot be scanned. Mistakes are reported at their place within the SQL.
std::optional<std::set<std::string>> check_sql(const Document& document, const Node& sql, const NamesInScope& scope,
                                               Mistakes& mistakes);

}  // namespace sluice::config

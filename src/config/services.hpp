// What routes need of the rest of a configuration: the services that they name, and a database.
#pragma once

#include "config/mistakes.hpp"
#include "sluice/settings.hpp"

namespace sluice::config {

/// Reports calls of services that `upstreams` does not have, and cached answers of those that are told who asks: unless each
/// caller has a copy, one would get another's.
void check_services(const Settings& settings, Mistakes& mistakes);

/// Whether a route or a fallback has SQL.
bool needs_postgres(const Settings& settings);

}  // namespace sluice::config

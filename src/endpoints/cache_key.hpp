// The canonical form of what was asked for: the same for every spelling of the same path and query.
#pragma once

#include "sluice/exchange.hpp"

#include <string>

namespace sluice::endpoints {

/// `path?name=value&…` with the query sorted and both re-encoded alike; no `?` without a query.
std::string canonical_path(const Exchange& exchange);

}  // namespace sluice::endpoints

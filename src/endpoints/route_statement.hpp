// The statement of a route with SQL. Pure.
#pragma once

#include "sluice/ports/database.hpp"
#include "sluice/settings.hpp"

#include <vector>

namespace sluice::endpoints {

/// As the database is given it: its parameters in the order in which the endpoint binds them. Of a route whose pages have
/// several orders, that of the default.
StatementSpec statement_of(const RouteSettings& route);
/// One for each order of the route's pages; one without pages.
std::vector<StatementSpec> statements_of(const RouteSettings& route);

/// The route with a fallback as its source, and without what is not the fallback's.
RouteSettings with_source(const RouteSettings& route, RouteKind kind);

}  // namespace sluice::endpoints

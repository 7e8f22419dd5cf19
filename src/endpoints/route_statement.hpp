// The statement of a route with SQL. Pure.
#pragma once

#include "sluice/ports/database.hpp"
#include "sluice/settings.hpp"

namespace sluice::endpoints {

/// As the database is given it: its parameters in the order in which the endpoint binds them.
StatementSpec statement_of(const SqlRouteSettings& route);

}  // namespace sluice::endpoints

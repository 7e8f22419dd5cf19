// A database's error as an HTTP answer. Nothing of PostgreSQL's own words passes; what a function of the application's says
// does where the configuration wants it.
#pragma once

#include "endpoints/error_source.hpp"
#include "sluice/ports/database.hpp"
#include "sluice/problem.hpp"
#include "sluice/settings.hpp"

namespace sluice::endpoints {

/// docs/configuration.md has the table of SQLSTATEs. A function decides by itself with `raise sqlstate 'PTnnn'`: nnn is the
/// status, 400 to 599, and its message, detail and hint are told.
Problem to_problem(const DatabaseError& error, InputSource source, const ErrorRules& rules = {});

/// Whether a stale copy may be served in its place: the database was not there, too busy or too slow, not that it refused
/// the input.
bool may_stand_in(const DatabaseError& error) noexcept;

}  // namespace sluice::endpoints

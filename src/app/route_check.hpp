// What must hold of a configuration beyond its form: everything the server would build from it can be built.
#pragma once

#include "sluice/ports/database.hpp"
#include "sluice/settings.hpp"

#include <string>
#include <vector>

namespace sluice::app {

/// Mistakes that show without a database: secrets, patterns and schemas that cannot be compiled.
std::vector<ConfigurationMistake> check_parts(const Settings& settings);

/// Throws std::runtime_error if a server is reached through a pooler that the configuration says nothing of, and
/// postgres::ConnectionLost if the primary cannot be asked.
void refuse_unsaid_pooler(const Settings& settings);

/// Mistakes that PostgreSQL finds when it prepares the routes' statements. Throws postgres::ConnectionLost if it cannot be
/// asked.
std::vector<ConfigurationMistake> check_statements(const Settings& settings);

/// Mistakes in `tables`: a table or column that is not there. `notes` gets what is no mistake but should be seen: tables
/// that are not tracked as configured, or tracked though not configured. Throws as above.
std::vector<ConfigurationMistake> check_tables(const Settings& settings, std::vector<std::string>& notes);

/// What is no mistake, but is seldom meant: answers that may be too large to be kept, a second Redis that is the first.
void note_bounds(const Settings& settings, std::vector<std::string>& notes);

}  // namespace sluice::app

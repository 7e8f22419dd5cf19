// The schema `sluice` on the primary, and its versions. Blocking: for commands and starts, not for a loop.
#pragma once

#include "postgres/schema/short_locks.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace sluice::postgres {

/// Brings the schema to the newest version, in a transaction for each step; several at once wait for each other. Tells `log`
/// one line per step taken and returns their number, 0 if there was nothing to do. Needs the right to create a schema in the
/// database, no superuser. Throws ConnectionLost, SqlError or LockedOut; the steps that were logged are taken.
int migrate(const std::string& url, const std::function<void(std::string_view)>& log = {}, const LockWaiting& waiting = {});

/// What `migrate` would run, as a script; empty: nothing. Throws ConnectionLost or SqlError.
std::string pending_sql(const std::string& url);

/// How many steps `migrate` would take. Throws ConnectionLost or SqlError.
int migrations_pending(const std::string& url);

}  // namespace sluice::postgres

// Records an invalidation by itself, without a change to go with it: for purges by an operator. Blocking.
#pragma once

#include "policy/changes.hpp"

#include <string>
#include <string_view>

namespace sluice::postgres {

/// Commits one row of `sluice.invalidation` and returns it. Throws ConnectionLost, or SqlError (42P01, 3F000 or 42501: the
/// schema is not there, or not ours).
policy::Invalidation record_invalidation(const std::string& url, policy::Invalidation::Kind kind, std::string_view name);

/// The same as a purge. With a schema that cannot tell one from an invalidation, older than version 9, it is recorded as an
/// invalidation, which the log says.
policy::Invalidation record_purge(const std::string& url, policy::Invalidation::Kind kind, std::string_view name);

}  // namespace sluice::postgres

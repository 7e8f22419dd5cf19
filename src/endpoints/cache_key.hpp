// What was asked for, written anew: in the canonical form, the same for every spelling of the same path and query, or with
// another parameter.
#pragma once

#include "sluice/exchange.hpp"

#include <string>
#include <string_view>

namespace sluice::endpoints {

/// `path?name=value&…` with the query sorted and both re-encoded alike; no `?` without a query.
std::string canonical_path(const Exchange& exchange);

/// The request's target as RFC 3986 has it, all percent-encoded alike, with `name=value` last in place of a parameter of
/// that name. The others keep their order.
std::string target_with(const Exchange& exchange, std::string_view name, std::string_view value);

}  // namespace sluice::endpoints

// Under which key an answer is cached: the canonical form of what was asked for, the same for every spelling of the same
// path and query, and what else the route's answers are kept apart by. And the request's target written anew.
#pragma once

#include "sluice/exchange.hpp"
#include "sluice/settings.hpp"

#include <string>
#include <string_view>

namespace sluice::endpoints {

/// What a cached route's keys begin with. Changes with the statement and all else that makes its answers differ, so that
/// instances of two configurations share no copies. `source`: what its answers are made from, and how.
std::string key_prefix(const RouteSettings& route, std::string_view source);

/// Appends `path?name=value&…` with the query sorted and both re-encoded alike; no `?` without a query.
void append_canonical_path(std::string& path, const Exchange& exchange);

/// Appends what `cache.vary` asks for, of this request, for the end of a key. `by_claims`: the statement reads the token's
/// claims, which may differ between two tokens of a subject.
void append_variant(std::string& key, const CacheVariation& vary, bool by_claims, const Exchange& exchange);

/// The request fields that decide which variant is answered, for `Vary` (RFC 9110 section 12.5.5); empty: none.
std::string varying_fields(const CacheRule& rule);

/// The request's target as RFC 3986 has it, all percent-encoded alike, with `name=value` last in place of a parameter of
/// that name. The others keep their order.
std::string target_with(const Exchange& exchange, std::string_view name, std::string_view value);

}  // namespace sluice::endpoints

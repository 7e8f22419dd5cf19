// The key of a route: `GET /v1/cities/{id}`.
#pragma once

#include "config/mistakes.hpp"
#include "sluice/request.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

struct RouteKey {
    Method method = Method::get;
    std::string pattern;             ///< `/v1/cities/{id}`
    std::vector<std::string> names;  ///< the template's parameters, in order
    std::string shape;               ///< method and pattern without the names: equal shapes match the same requests
};

/// Reports everything that is wrong with the key and then returns nothing.
std::optional<RouteKey> parse_route_key(std::string_view text, const SourceLocation& location, Mistakes& mistakes);

/// `[A-Za-z_][A-Za-z0-9_]*`, what `:name` in SQL can spell.
bool is_parameter_name(std::string_view name) noexcept;

/// Names with a meaning of their own in SQL: key_id, sub, claims, body.
bool is_reserved(std::string_view name) noexcept;

/// `WHAT is reserved: ':sub' is the token's subject`.
std::string reserved_message(const std::string& what, const std::string& name);

}  // namespace sluice::config

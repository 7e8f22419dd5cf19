// The names that mean something of their own in a route's SQL.
#pragma once

#include <array>
#include <string_view>

namespace sluice::endpoints {

/// In the order in which they are bound, after the declared parameters and the body's properties.
inline constexpr std::array<std::string_view, 4> reserved_names{
    "body",    // the whole request body, as JSON
    "key_id",  // the caller's API key
    "sub",     // the caller's token subject
    "claims",  // the caller's token claims, as JSON
};

}  // namespace sluice::endpoints

// The names that mean something of their own in a route's SQL.
#pragma once

#include <array>
#include <string_view>

namespace sluice::sql {

/// In the order in which they are bound, after the declared parameters and the body's properties.
inline constexpr std::array<std::string_view, 4> reserved_names{
    "body",    // the whole request body, as JSON
    "key_id",  // the caller's API key
    "sub",     // the caller's token subject
    "claims",  // the caller's token claims, as JSON
};

/// What such a name means, for messages.
constexpr std::string_view meaning_of(std::string_view reserved) noexcept {
    if (reserved == "body") return "the whole body";
    if (reserved == "key_id") return "the API key's id";
    if (reserved == "sub") return "the token's subject";
    return "the token's claims";
}

}  // namespace sluice::sql

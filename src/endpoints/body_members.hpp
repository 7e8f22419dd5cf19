// Which members of a body are bound to a route's statement, and under which names. Pure.
#pragma once

#include "sluice/settings.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::endpoints {

/// From the outermost object inwards.
using BodyPath = std::vector<std::string>;

/// Of a name as the SQL has it behind the colon, `body.address."first name"`: address, first name. Nothing if it is no such
/// name.
std::optional<BodyPath> body_path(std::string_view name);

/// A value that is bound.
struct BodyMember {
    std::string name;  ///< in the SQL and in tags
    BodyPath path;
    bool as_array = false;  ///< a JSON array is bound as PostgreSQL's, not as its JSON; the name ends in `[]` then
};

/// The properties, each by its own name unless that means something else (a reserved name, or a parameter's), and what SQL
/// and tags name by a path; what the SQL casts to an array, also as such. Each name once.
std::vector<BodyMember> body_members(const RouteSettings& route);

}  // namespace sluice::endpoints

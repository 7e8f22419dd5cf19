// The names in a route's SQL that reach into a request: `:body.NAME`, `:header.NAME`.
#pragma once

#include "config/document.hpp"
#include "config/mistakes.hpp"
#include "sluice/settings.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

/// What is wrong with `header.NAME`; empty: nothing.
std::string complaint_about_field(std::string_view name);

/// Whether the body's schema declares the member that `body.NAME` means.
bool is_body_member(const RouteSettings& route, std::string_view name);

/// Adds the fields that the SQL names and nobody has declared to the route's parameters, as texts. Reports what is wrong
/// with fields, and members where there is no body. Returns the names that need no further check, and those of the body's
/// properties. `body_is_certain`: false: the body could not be read, so nothing is said of its members.
std::vector<std::string> read_prefixed_names(const Document& document, const Node& sql, RouteSettings& route,
                                             bool body_is_certain, Mistakes& mistakes);

}  // namespace sluice::config

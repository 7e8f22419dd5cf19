// The tags of one request's answer or write, from the templates of its route. Pure.
#pragma once

#include "policy/tag_template.hpp"
#include "sluice/ports/database.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::endpoints {

/// Names stand for the statement's parameters, then for the members of `first_row`, a JSON object (empty: there is none). A
/// template with a name that has no value is left out.
std::vector<std::string> fill_tags(const std::vector<policy::TagTemplate>& templates, const StatementSpec& statement,
                                   const std::vector<std::optional<std::string>>& values, std::string_view first_row = {});

}  // namespace sluice::endpoints

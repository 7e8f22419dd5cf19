// `headers:` of a route.
#pragma once

#include "config/section.hpp"
#include "sluice/settings.hpp"

#include <string>
#include <vector>

namespace sluice::config {

/// The fields, for a route whose parameters, body, result and pages have been read. Reports names that Sluice manages,
/// values that no field can have, and names in braces that stand for nothing. `used`: the parameters and properties that
/// they name.
std::vector<ResponseField> read_answer_fields(Section& section, const RouteSettings& route, std::vector<std::string>& used);

}  // namespace sluice::config

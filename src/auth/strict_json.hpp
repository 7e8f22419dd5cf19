// JSON objects as JOSE wants them: with a second member of one name, two readers could understand two things (RFC 7515
// section 4, RFC 7519 section 4).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string_view>

namespace sluice::auth {

/// The object; nothing if the text is anything but one JSON object in UTF-8, a name occurs twice in any object inside it, or
/// it is nested deeper than 64.
std::optional<nlohmann::json> parse_strict_object(std::string_view text);

}  // namespace sluice::auth

// `server.cors`: which pages of other origins may use the API.
#pragma once

#include "config/document.hpp"
#include "config/mistakes.hpp"
#include "sluice/cors.hpp"

#include <optional>

namespace sluice::config {

/// Nothing when no origin is left: empty ones, as an unset variable with an empty default makes them, count as absent.
std::optional<CorsSettings> read_cors(const Member& member, Mistakes& mistakes);

}  // namespace sluice::config

// Puts a whole configuration together: the main file, what it includes, and what must hold between them.
#pragma once

#include "config/environment.hpp"
#include "sluice/settings.hpp"

#include <filesystem>

namespace sluice::config {

/// `load_settings` with the variables of one's choice. Throws ConfigurationError.
Settings load(const std::filesystem::path& file, const Environment& environment);

}  // namespace sluice::config

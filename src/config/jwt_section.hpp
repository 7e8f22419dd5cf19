// `auth.jwt`: whose tokens are accepted.
#pragma once

#include "config/document.hpp"
#include "config/mistakes.hpp"
#include "sluice/settings.hpp"

#include <filesystem>

namespace sluice::config {

/// A relative `jwks_file` resolves against `folder`. What is wrong goes to `mistakes`; the rest is still filled in.
JwtSettings read_jwt(const Member& member, const std::filesystem::path& folder, Mistakes& mistakes);

}  // namespace sluice::config

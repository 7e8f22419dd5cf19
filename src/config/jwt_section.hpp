// `auth.jwt`: whose tokens are accepted.
#pragma once

#include "config/document.hpp"
#include "config/mistakes.hpp"
#include "sluice/settings.hpp"

#include <filesystem>
#include <vector>

namespace sluice::config {

/// One issuer, or a list of them. A relative `jwks_file` resolves against `folder`. What is wrong goes to `mistakes`; the
/// rest is still filled in.
std::vector<JwtSettings> read_jwt(const Member& member, const std::filesystem::path& folder, Mistakes& mistakes);

}  // namespace sluice::config

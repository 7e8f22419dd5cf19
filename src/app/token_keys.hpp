// From the `jwt` settings to rules and keys: the one place that knows all three sources.
#pragma once

#include "auth/jwt_claims.hpp"
#include "auth/key_refresher.hpp"
#include "auth/key_set.hpp"
#include "sluice/settings.hpp"

#include <boost/system/result.hpp>

#include <optional>
#include <string>
#include <vector>

namespace sluice::app {

auth::JwtRules jwt_rules(const JwtSettings& jwt);

/// Where the keys come from, as a log may tell it: the file, the address without its query, or `hs256_secret`.
std::string key_source(const JwtSettings& jwt);

/// How file or URL are fetched. Each call of the result is one attempt; a file that has not changed is not read again.
auth::KeyRefresher::Fetch key_fetch(const JwtSettings& jwt);
auth::KeyRefresher::Settings refresher_settings(const JwtSettings& jwt);

/// The keys now, from whichever source; blocks. Or why there are none, in words.
boost::system::result<auth::KeySet, std::string> load_keys(const JwtSettings& jwt);

/// What is wrong with the settings by themselves, as an embedder may have filled them in, and with the file. A URL is not
/// asked.
std::vector<ConfigurationMistake> check_jwt(const JwtSettings& jwt);

}  // namespace sluice::app

// `cache:` of a route.
#pragma once

#include "config/section.hpp"
#include "sluice/settings.hpp"

#include <functional>
#include <vector>

namespace sluice::config {

/// Reads the key `tags` of the section.
using TagReader = std::function<std::vector<std::string>(Section&)>;

/// `cache: 300s` or `cache: { ttl: 300s, … }`, for a route with this result and this need for credentials.
CacheRule read_cache_rule(Section& route, const Member& member, ResultShape result, AuthMode auth,
                          const TagReader& read_tags);

/// Each field of the request among the parameters tells answers apart. Reports those that cannot.
void vary_by_fields(CacheRule& rule, const std::vector<ParameterSettings>& parameters, Mistakes& mistakes);

}  // namespace sluice::config

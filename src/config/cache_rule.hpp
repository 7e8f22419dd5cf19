// `cache:` of a route.
#pragma once

#include "config/section.hpp"
#include "sluice/settings.hpp"

#include <functional>

namespace sluice::config {

/// Reads the key `tags` of the section.
using TagReader = std::function<std::vector<std::string>(Section&)>;

/// `cache: 300s` or `cache: { ttl: 300s, … }`, for a route with this result and this need for credentials.
CacheRule read_cache_rule(Section& route, const Member& member, ResultShape result, AuthMode auth,
                          const TagReader& read_tags);

}  // namespace sluice::config

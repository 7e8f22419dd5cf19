// The top-level mappings other than `routes`, one function each. What is wrong goes to `mistakes`; the rest is still filled
// in.
#pragma once

#include "config/document.hpp"
#include "config/mistakes.hpp"
#include "sluice/settings.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::config {

ServerSettings read_server(const Node& node, Mistakes& mistakes);
LogSettings read_log(const Node& node, Mistakes& mistakes);
PostgresSettings read_postgres(const Node& node, Mistakes& mistakes);
/// Nothing when `url` is empty, which an unset variable with an empty default makes it.
std::optional<RedisSettings> read_redis(const Node& node, Mistakes& mistakes);
/// By table.
std::vector<TrackedTable> read_tables(const Node& node, Mistakes& mistakes);
/// A cached value of a route that has a tag of a tracked table also carries the table's own tag.
void add_table_tags(Settings& settings);
CacheSettings read_cache(const Node& node, Mistakes& mistakes);
/// A relative `jwks_file` resolves against `folder`.
AuthSettings read_auth(const Node& node, const std::filesystem::path& folder, Mistakes& mistakes);
/// What can be judged only once `tiers` was read.
void check_default_tier(const Node& auth, const Settings& settings, Mistakes& mistakes);
void check_address_tiers(const Node& rate_limit, const Settings& settings, Mistakes& mistakes);
/// The message about a value that should name a tier and does not.
std::string no_such_tier(const Node& name, const std::map<std::string, Tier>& tiers);
RateLimitSettings read_rate_limit(const Node& node, Mistakes& mistakes);
/// Changes and adds to what `tiers` holds.
void read_tiers(const Node& node, std::map<std::string, Tier>& tiers, Mistakes& mistakes);

}  // namespace sluice::config

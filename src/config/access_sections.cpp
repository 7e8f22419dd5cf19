// `auth` and `tiers`: who is who, and how much each may ask for.
#include "config/jwt_section.hpp"
#include "config/section.hpp"
#include "config/sections.hpp"
#include "config/window_limits.hpp"

#include <algorithm>

namespace sluice::config {
namespace {

// Tier names stand in keys, header fields and metric labels.
bool is_tier_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

// `{ requests: 10, window: 1s }` changes the tier's only limit; `{ limits: [ … ] }` gives it others.
void read_tier(const Member& member, const std::string& name, Tier& tier, Mistakes& mistakes) {
    Section section{member.value, name, mistakes};
    assign(tier.on_redis_failure, section.choice<OnRedisFailure>("on_redis_failure", {{"local", OnRedisFailure::local},
                                                                                      {"open", OnRedisFailure::open},
                                                                                      {"closed", OnRedisFailure::closed}}));
    if (const auto* limits = section.find("limits")) {
        tier.limits = read_window_limits(*limits, name, mistakes);
        for (const auto* key : {"requests", "window"}) {
            if (const auto* extra = section.find(key)) section.fail(*extra, "'" + std::string{key} + "' goes into 'limits'");
        }
    } else {
        if (tier.limits.empty()) section.require("requests", name + " needs 'requests'");
        tier.limits.resize(1);
        read_window_limit(section, tier.limits.front());
    }
    section.finish(member.location);
}

}  // namespace

AuthSettings read_auth(const Node& node, const std::filesystem::path& folder, Mistakes& mistakes) {
    AuthSettings auth;
    Section section{node, "'auth'", mistakes};
    if (const auto* member = section.find_member("jwt")) auth.jwt = read_jwt(*member, folder, mistakes);
    if (const auto* list = section.find("key_secrets")) auth.key_secrets_location = list->location;
    for (const auto* item : section.list("key_secrets")) {
        if (item->text.empty()) continue;  // an unset older secret
        if (std::find(auth.key_secrets.begin(), auth.key_secrets.end(), item->text) != auth.key_secrets.end()) {
            section.fail(*item, "this key secret is listed twice");
            continue;
        }
        auth.key_secrets.push_back(item->text);
    }
    section.finish();
    return auth;
}

RateLimitSettings read_rate_limit(const Node& node, Mistakes& mistakes) {
    using Strategy = RateLimitSettings::Strategy;
    RateLimitSettings settings;
    Section section{node, "'rate_limit'", mistakes};
    assign(settings.strategy, section.choice<Strategy>("strategy", {{"leased", Strategy::leased}, {"log", Strategy::log}}));
    if (const auto count = section.count("expected_instances", 1, 10'000)) {
        settings.expected_instances = static_cast<unsigned>(*count);
    }
    section.finish();
    return settings;
}

void read_tiers(const Node& node, std::map<std::string, Tier>& tiers, Mistakes& mistakes) {
    const Section whole{node, "'tiers'", mistakes};
    for (const auto& member : node.members) {
        if (!is_tier_name(member.name)) {
            mistakes.add(member.location,
                         "a tier's name has 1 to 64 letters, digits, '_' or '-', unlike '" + member.name + "'");
        }
        auto& tier = tiers[member.name];
        const auto name = "tier '" + member.name + "'";
        if (member.value.is(Node::Kind::sequence)) {
            tier.limits = read_window_limits(member.value, name, mistakes);
        } else {
            read_tier(member, name, tier, mistakes);
        }
    }
}

}  // namespace sluice::config

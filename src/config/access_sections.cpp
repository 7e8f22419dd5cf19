// `auth` and `tiers`: who is who, and how much each may ask for.
#include "auth/address_blocks.hpp"
#include "auth/key_id.hpp"
#include "config/address.hpp"
#include "config/jwt_section.hpp"
#include "config/section.hpp"
#include "config/sections.hpp"
#include "config/suggestion.hpp"
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

/// What stands for a tier where there is no limit.
constexpr std::string_view off = "off";

// `{ 10.0.0.0/8: off, 203.0.113.0/24: partner }`. Whether there are such tiers can be judged only once `tiers` was read.
void read_address_rules(const Node& node, RateLimitSettings& settings, Mistakes& mistakes) {
    const Section whole{node, "'addresses'", mistakes};
    for (const auto& member : node.members) {
        auto block = parse_cidr(member.name);
        if (!block) {
            mistakes.add(member.location,
                         "'addresses' names address blocks such as 10.0.0.0/8 or fd00::/8, not '" + member.name + "'");
            continue;
        }
        const auto& value = member.value;
        if (value.broken) continue;
        if (!value.is(Node::Kind::scalar)) {
            mistakes.add(value.location, "an address block has the name of a tier, or 'off', not " + describe_kind(value));
            continue;
        }
        settings.addresses.push_back({std::move(*block), std::nullopt});
        if (value.text != off) settings.addresses.back().tier = value.text;
        std::vector<std::string> blocks;
        for (const auto& rule : settings.addresses) blocks.push_back(rule.block);
        if (!auth::AddressBlocks{blocks}.repeated()) continue;
        mistakes.add(member.location, "the address block '" + member.name + "' is listed twice");
        settings.addresses.pop_back();
    }
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
    if (const auto* rules = section.find("addresses")) read_address_rules(*rules, settings, mistakes);
    for (const auto* item : section.list("exempt_keys")) {
        if (!auth::parse_key_id(item->text)) {
            section.fail(*item,
                         "a key's id is 24 lower-case hex digits, as 'sluice keys list' shows it, not " + describe(*item));
        }
        settings.exempt_keys.insert(item->text);
    }
    if (const auto count = section.count("expected_instances", 1, 10'000)) {
        settings.expected_instances = static_cast<unsigned>(*count);
    }
    section.finish();
    return settings;
}

void check_address_tiers(const Node& rate_limit, const Settings& settings, Mistakes& mistakes) {
    const auto* rules = rate_limit.find("addresses");
    if (!rules) return;
    for (const auto& member : rules->members) {
        const auto& tier = member.value;
        if (tier.broken || !tier.is(Node::Kind::scalar) || tier.text == off || settings.tiers.contains(tier.text)) continue;
        mistakes.add(tier.location, no_such_tier(tier, settings.tiers));
    }
}

std::string no_such_tier(const Node& name, const std::map<std::string, Tier>& tiers) {
    std::vector<std::string> names;
    for (const auto& [tier, limits] : tiers) names.push_back(tier);
    const auto meant = suggestion(name.text, names);
    return "there is no tier " + describe(name) + (meant.empty() ? "; the tiers are " + any_of_words(names) : meant);
}

void read_tiers(const Node& node, std::map<std::string, Tier>& tiers, Mistakes& mistakes) {
    const Section whole{node, "'tiers'", mistakes};
    for (const auto& member : node.members) {
        if (!is_tier_name(member.name)) {
            mistakes.add(member.location,
                         "a tier's name has 1 to 64 letters, digits, '_' or '-', unlike '" + member.name + "'");
        }
        if (member.name == off) {
            mistakes.add(member.location, "no tier can be called 'off', which stands for no limit");
            continue;
        }
        auto& tier = tiers[member.name];
        const auto name = "tier '" + member.name + "'";
        if (member.value.is(Node::Kind::scalar) && member.value.text == off) {
            tier.limits.clear();
        } else if (member.value.is(Node::Kind::scalar)) {
            mistakes.add(member.value.location,
                         name + " must be a mapping, a list of limits, or 'off', not " + describe(member.value));
        } else if (member.value.is(Node::Kind::sequence)) {
            tier.limits = read_window_limits(member.value, name, mistakes);
        } else {
            read_tier(member, name, tier, mistakes);
        }
    }
}

}  // namespace sluice::config

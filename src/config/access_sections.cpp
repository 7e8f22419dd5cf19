// `auth` and `tiers`: who is who, and how much each may ask for.
#include "config/jwt_section.hpp"
#include "config/section.hpp"
#include "config/sections.hpp"

#include <algorithm>

namespace sluice::config {
namespace {

using namespace std::chrono_literals;

// Tier names stand in keys, header fields and metric labels.
bool is_tier_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

}  // namespace

AuthSettings read_auth(const Node& node, const std::filesystem::path& folder, Mistakes& mistakes) {
    AuthSettings auth;
    Section section{node, "'auth'", mistakes};
    if (const auto* member = section.find_member("jwt")) auth.jwt = read_jwt(*member, folder, mistakes);
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

void read_tiers(const Node& node, std::map<std::string, Tier>& tiers, Mistakes& mistakes) {
    const Section whole{node, "'tiers'", mistakes};
    for (const auto& member : node.members) {
        if (!is_tier_name(member.name)) {
            mistakes.add(member.location,
                         "a tier's name has 1 to 64 letters, digits, '_' or '-', unlike '" + member.name + "'");
        }
        const bool added = !tiers.contains(member.name);
        auto& tier = tiers[member.name];
        Section section{member.value, "tier '" + member.name + "'", mistakes};
        if (added) section.require("requests", "tier '" + member.name + "' needs 'requests'");
        assign(tier.requests, section.count("requests", 1, 1'000'000'000));
        assign(tier.window, section.duration("window", 1s));
        section.finish(member.location);
    }
}

}  // namespace sluice::config

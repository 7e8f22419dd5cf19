#include "middleware/limited_clients.hpp"

namespace sluice::middleware {
namespace {

std::vector<std::string> blocks_of(const RateLimitSettings& settings) {
    std::vector<std::string> blocks;
    for (const auto& rule : settings.addresses) blocks.push_back(rule.block);
    return blocks;
}

}  // namespace

LimitedClients::LimitedClients(const RateLimitSettings& settings)
    : blocks_{blocks_of(settings)}, exempt_keys_{settings.exempt_keys} {
    for (const auto& rule : settings.addresses) tiers_.push_back(rule.tier);
}

const std::optional<std::string>* LimitedClients::rule_for(std::string_view address) const noexcept {
    if (blocks_.empty()) return nullptr;
    const auto parsed = auth::parse_ip(address);
    if (!parsed) return nullptr;
    const auto block = blocks_.narrowest(*parsed);
    return block ? &tiers_[*block] : nullptr;
}

const std::string* LimitedClients::tier_at(std::string_view address) const noexcept {
    const auto* rule = rule_for(address);
    return rule != nullptr && *rule ? &**rule : nullptr;
}

bool LimitedClients::exempt_address(std::string_view address) const noexcept {
    const auto* rule = rule_for(address);
    return rule != nullptr && !*rule;
}

bool LimitedClients::exempt(const Identity& identity, std::string_view address) const noexcept {
    if (identity.kind == Identity::Kind::api_key && exempt_keys_.contains(identity.id)) return true;
    return exempt_address(address);
}

}  // namespace sluice::middleware

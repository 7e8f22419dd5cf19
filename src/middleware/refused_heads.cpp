#include "middleware/refused_heads.hpp"

#include "middleware/counted_address.hpp"
#include "sluice/request.hpp"

#include <algorithm>

namespace sluice::middleware {
namespace {

/// Of lines of which nothing else is known: `Name: value`, in order, joined by commas.
std::string values_in(std::string_view head, std::string_view name) {
    std::string values;
    while (!head.empty()) {
        const auto end = std::min(head.find('\n'), head.size());
        const auto line = head.substr(0, end);
        head.remove_prefix(std::min(end + 1, head.size()));
        const auto colon = line.find(':');
        if (colon == line.npos || !equal_ignoring_case(line.substr(0, colon), name)) continue;
        auto value = line.substr(colon + 1);
        if (value.ends_with('\r')) value.remove_suffix(1);
        values.append(values.empty() ? "" : ",").append(trimmed(value));
    }
    return values;
}

}  // namespace

RefusedHeads::RefusedHeads(memory::RateLimiter& local, const std::map<std::string, Tier>& tiers,
                           const LimitedClients& clients, const std::vector<std::string>& trusted_proxies,
                           telemetry::Metrics& metrics)
    : local_{local}, clients_{clients}, proxies_{trusted_proxies} {
    for (const auto& [name, tier] : tiers) {
        auto& plan = tiers_[name];
        for (const auto& limit : tier.limits) plan.limits.push_back({limit.requests, limit.window, {}});
        plan.admitted = metrics.ratelimit_decisions(name, "admitted");
        plan.rejected = metrics.ratelimit_decisions(name, "rejected");
    }
}

std::optional<std::chrono::seconds> RefusedHeads::count(std::string_view peer, std::string_view head) const {
    auto client = proxies_.client_address(peer, {});
    if (proxies_.trust(peer)) {
        client = proxies_.client_address(peer, values_in(head, "X-Forwarded-For"));
        if (proxies_.trust(client)) return std::nullopt;
    }
    const auto* listed = clients_.tier_at(client);
    const auto& tier = tiers_.find(listed != nullptr ? *listed : Identity{}.tier)->second;
    if (tier.limits.empty() || clients_.exempt_address(client)) return std::nullopt;
    const auto key = "ip:" + counted_address(client);
    const auto decision = local_.acquire_now({key, tier.limits, 1});
    if (decision.verdict == RateDecision::Verdict::admitted) {
        tier.admitted.add();
        return std::nullopt;
    }
    tier.rejected.add();
    return std::max(std::chrono::seconds{1}, std::chrono::ceil<std::chrono::seconds>(decision.retry_after));
}

}  // namespace sluice::middleware

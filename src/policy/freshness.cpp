#include "policy/freshness.hpp"

#include <algorithm>

namespace sluice::policy {

namespace {

bool snapshot_contains(const CachedValue& value, const Invalidation& invalidation) noexcept {
    return invalidation.xid < value.xmin ||
           std::find(value.seen.begin(), value.seen.end(), invalidation.id) != value.seen.end();
}

Freshness without_ttl(TimePoint now, const CachedValue& value, const Coherence& coherence,
                      std::span<const Invalidation> relevant) noexcept {
    if (!coherence.enabled || !value.tagged) {
        const auto outdates = [&](const Invalidation& purge) { return value.loaded_at <= purge.learned; };
        return std::none_of(relevant.begin(), relevant.end(), outdates) ? Freshness::fresh : Freshness::stale;
    }

    if (!value.labelled || value.xmin < coherence.horizon) return Freshness::stale;
    for (const auto& invalidation : relevant) {
        if (!snapshot_contains(value, invalidation)) return Freshness::stale;
    }
    if (coherence.last_poll_sent && now - *coherence.last_poll_sent <= coherence.bound) return Freshness::fresh;
    if (!coherence.polls_fail) return Freshness::stale;
    return now - value.loaded_at <= value.grace ? Freshness::fresh : Freshness::stale;
}

}  // namespace

Freshness judge_freshness(TimePoint now, const CachedValue& value, const Coherence& coherence,
                          std::span<const Invalidation> relevant) noexcept {
    const Duration age = now - value.loaded_at;
    if (age < value.ttl) return without_ttl(now, value, coherence, relevant);
    const Duration over = age - value.ttl;
    if (over >= std::max(value.stale, value.revalidate)) return Freshness::unusable;
    if (over < value.revalidate && without_ttl(now, value, coherence, relevant) == Freshness::fresh)
        return Freshness::refresh;
    return over < value.stale ? Freshness::stale : Freshness::unusable;
}

}  // namespace sluice::policy

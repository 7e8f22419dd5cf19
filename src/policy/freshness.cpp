#include "policy/freshness.hpp"

#include <algorithm>

namespace sluice::policy {

namespace {

/// Whether the label contains every invalidation that is known, or was forgotten.
bool contains_all(const Snapshot& label, const Coherence& coherence, std::span<const TagHistory* const> relevant) noexcept {
    if (label.xmax < coherence.horizon) return false;
    const auto above = [&](const TagHistory* tag) { return tag->greatest() >= label.xmax; };
    if (std::any_of(relevant.begin(), relevant.end(), above)) return false;
    return std::all_of(label.running.begin(), label.running.end(), [&](std::uint64_t xid) {
        // It has not ended, or a moment ago: then its row is known only if this instance wrote it.
        if (coherence.polled != nullptr && !coherence.polled->contains(xid))
            return std::none_of(relevant.begin(), relevant.end(), [&](const TagHistory* tag) { return tag->has(xid); });
        if (xid < coherence.horizon) return false;
        return std::none_of(relevant.begin(), relevant.end(), [&](const TagHistory* tag) { return tag->may_have(xid); });
    });
}

Freshness without_ttl(TimePoint now, const CachedValue& value, const Coherence& coherence,
                      std::span<const TagHistory* const> relevant) noexcept {
    if (!coherence.enabled || !value.tagged) {
        const auto outdates = [&](const TagHistory* purge) { return value.loaded_at <= purge->learned(); };
        return std::none_of(relevant.begin(), relevant.end(), outdates) ? Freshness::fresh : Freshness::stale;
    }

    if (value.label == nullptr || value.history == 0 || value.history != coherence.history) return Freshness::stale;
    if (!contains_all(*value.label, coherence, relevant)) return Freshness::stale;
    if (coherence.last_poll_sent && now - *coherence.last_poll_sent <= coherence.bound) return Freshness::fresh;
    if (!coherence.polls_fail) return Freshness::stale;
    return now - value.loaded_at <= value.grace ? Freshness::fresh : Freshness::stale;
}

}  // namespace

Freshness judge_freshness(TimePoint now, const CachedValue& value, const Coherence& coherence,
                          std::span<const TagHistory* const> relevant) noexcept {
    const Duration age = now - value.loaded_at;
    if (age < value.ttl) return without_ttl(now, value, coherence, relevant);
    const Duration over = age - value.ttl;
    if (over >= std::max(value.stale, value.revalidate)) return Freshness::unusable;
    if (over < value.revalidate && without_ttl(now, value, coherence, relevant) == Freshness::fresh)
        return Freshness::refresh;
    return over < value.stale ? Freshness::stale : Freshness::unusable;
}

}  // namespace sluice::policy

#include "cache/coherence.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <mutex>

namespace sluice::cache {

using Kind = postgres::Invalidation::Kind;

void Coherence::learn(const postgres::Poll& poll) {
    enabled_.store(poll.coherent, std::memory_order_relaxed);
    {
        const std::unique_lock lock{mutex_};
        timeline_.store(poll.timeline, std::memory_order_relaxed);
        if (poll.restarted) {
            // Transaction ids of another history cannot be compared with these.
            by_tag_.clear();
            globs_.clear();
            order_.clear();
            known_ids_.clear();
            horizon_.store(0, std::memory_order_relaxed);
            labels_from_.store(poll.sent.time_since_epoch().count(), std::memory_order_relaxed);
            version_.fetch_add(1, std::memory_order_release);
        }
        if (poll.horizon > horizon_.load(std::memory_order_relaxed)) horizon_.store(poll.horizon, std::memory_order_relaxed);
        const auto now = Clock::now();
        for (const auto& invalidation : poll.invalidations) remember(invalidation, now);
    }
    // After the rows: whoever sees this poll's time also sees what it brought.
    last_poll_sent_.store(poll.sent.time_since_epoch().count(), std::memory_order_release);
    ticks_since_poll_.store(0, std::memory_order_relaxed);
}

bool Coherence::tick() noexcept { return ticks_since_poll_.fetch_add(1, std::memory_order_relaxed) + 1 == ticks_to_fail; }

void Coherence::learn(std::span<const postgres::Invalidation> invalidations, TimePoint now) {
    const std::unique_lock lock{mutex_};
    for (const auto& invalidation : invalidations) remember(invalidation, now);
}

void Coherence::remember(const postgres::Invalidation& invalidation, TimePoint learned) {
    // An id of 0 was never in the database: a purge heard of by message only.
    if (invalidation.id != 0 && !known_ids_.insert(invalidation.id).second) return;
    const policy::Invalidation entry{invalidation.id, invalidation.xid, learned};
    switch (invalidation.kind) {
        case Kind::tag:
            by_tag_[invalidation.name].push_back(entry);
            break;
        case Kind::glob:
            globs_.emplace_back(invalidation.name, entry);
            break;
        case Kind::all:
            globs_.emplace_back("*", entry);
            break;
    }
    order_.push_back(invalidation);
    if (order_.size() > remembered_) forget_oldest();
    version_.fetch_add(1, std::memory_order_release);
}

void Coherence::forget_oldest() {
    const auto oldest = std::move(order_.front());
    order_.pop_front();
    known_ids_.erase(oldest.id);
    const auto is_oldest = [&](const policy::Invalidation& entry) {
        return entry.id == oldest.id && entry.xid == oldest.xid;
    };
    if (oldest.kind == Kind::tag) {
        const auto found = by_tag_.find(oldest.name);
        if (found != by_tag_.end()) {
            // The first match only: those heard of by message all have the id 0.
            const auto entry = std::find_if(found->second.begin(), found->second.end(), is_oldest);
            if (entry != found->second.end()) found->second.erase(entry);
            if (found->second.empty()) by_tag_.erase(found);
        }
    } else {
        const auto entry =
            std::find_if(globs_.begin(), globs_.end(), [&](const auto& glob) { return is_oldest(glob.second); });
        if (entry != globs_.end()) globs_.erase(entry);
    }
    if (oldest.xid + 1 > horizon_.load(std::memory_order_relaxed)) {
        horizon_.store(oldest.xid + 1, std::memory_order_relaxed);
    }
}

void Coherence::collect(const CachedValue& value, std::vector<policy::Invalidation>& relevant) const {
    const std::shared_lock lock{mutex_};
    for (const auto& tag : value.tags) {
        const auto found = by_tag_.find(tag);
        if (found != by_tag_.end()) relevant.insert(relevant.end(), found->second.begin(), found->second.end());
    }
    for (const auto& [pattern, invalidation] : globs_) {
        if (::fnmatch(pattern.c_str(), value.path.c_str(), 0) == 0) relevant.push_back(invalidation);
    }
}

std::optional<TimePoint> Coherence::last_poll_sent() const noexcept {
    const auto sent = last_poll_sent_.load(std::memory_order_acquire);
    return sent == 0 ? std::nullopt : std::optional{TimePoint{Duration{sent}}};
}

policy::Freshness Coherence::judge(const CachedValue& value, TimePoint now) const {
    // The order of these reads matters: the poll's time first, then the version of what it brought.
    const auto sent = last_poll_sent();
    const auto version = version_.load(std::memory_order_acquire);

    policy::Coherence state;
    state.enabled = enabled();
    state.last_poll_sent = sent;
    state.polls_fail = polls_fail();
    state.horizon = horizon_.load(std::memory_order_relaxed);

    policy::CachedValue view;
    view.loaded_at = value.loaded_at;
    view.ttl = value.ttl;
    view.stale = value.stale;
    view.revalidate = value.revalidate;
    view.grace = value.grace;
    view.tagged = !value.tags.empty();
    view.labelled = value.label && value.timeline == timeline() &&
                    value.loaded_at.time_since_epoch().count() >= labels_from_.load(std::memory_order_relaxed);
    if (value.label) {
        view.xmin = value.label->xmin;
        view.seen = value.label->seen;
    }

    if (value.checked_version.load(std::memory_order_relaxed) == version) {
        return policy::judge_freshness(now, view, state, {});
    }
    thread_local std::vector<policy::Invalidation> relevant;
    relevant.clear();
    collect(value, relevant);
    const auto verdict = policy::judge_freshness(now, view, state, relevant);
    // Only a value that survived may skip the look-up next time.
    if (policy::may_be_served(verdict)) value.checked_version.store(version, std::memory_order_relaxed);
    return verdict;
}

}  // namespace sluice::cache

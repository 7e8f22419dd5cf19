#include "cache/coherence.hpp"

#include "runtime/boot_clock.hpp"

#include <algorithm>
#include <limits>
#include <mutex>

namespace sluice::cache {

using Kind = policy::Invalidation::Kind;

namespace {

/// Two clocks are read one after the other.
constexpr Duration reading_error = std::chrono::milliseconds{5};

/// The label of a value of which nothing is known that it may lack.
const Snapshot everything{std::numeric_limits<std::uint64_t>::max(), {}};
constexpr HistoryId any_history = 1;

}  // namespace

void Coherence::learn(const policy::Poll& poll) {
    {
        const std::unique_lock lock{mutex_};
        if (enabled_.exchange(poll.coherent, std::memory_order_relaxed) != poll.coherent)
            version_.fetch_add(1, std::memory_order_release);
        if (poll.history != history_) forget_transactions();
        history_ = poll.history;
        polled_ = poll.snapshot;
        if (poll.horizon > horizon_) {
            horizon_ = poll.horizon;
            version_.fetch_add(1, std::memory_order_release);
        }
        const auto now = Clock::now();
        for (const auto& invalidation : poll.invalidations) remember(invalidation, now);
        forget_old(now);
    }
    // After the rows: whoever sees this poll's time also sees what it brought.
    asleep_.store(poll.asleep.count(), std::memory_order_relaxed);
    last_poll_sent_.store(poll.sent.time_since_epoch().count(), std::memory_order_release);
    ticks_since_poll_.store(0, std::memory_order_relaxed);
}

bool Coherence::tick() noexcept { return ticks_since_poll_.fetch_add(1, std::memory_order_relaxed) + 1 == ticks_to_fail; }

void Coherence::learn(std::span<const policy::Invalidation> invalidations, TimePoint now) {
    const std::unique_lock lock{mutex_};
    for (const auto& invalidation : invalidations) remember(invalidation, now);
}

void Coherence::outdate(std::span<const std::string> tags, std::uint64_t xmax, TimePoint now) {
    const std::unique_lock lock{mutex_};
    for (const auto& tag : tags) {
        auto& history = tags_[tag].history;
        history.merge(xmax - 1);
        history.add(xmax - 1, now);
    }
    version_.fetch_add(1, std::memory_order_release);
}

// Transactions of another history cannot be compared with these. What was purged stays purged.
void Coherence::forget_transactions() {
    order_.clear();
    const auto forget = [](Known& known) {
        const auto learned = known.history.learned();
        known.history = {};
        known.history.add(0, learned);
        known.purges.forget_transactions();
    };
    std::erase_if(tags_, [](const auto& entry) { return entry.second.purges.empty(); });
    for (auto& [tag, known] : tags_) forget(known);
    for (auto& [pattern, known] : patterns_) forget(known);
    forget(forgotten_);
    horizon_ = 0;
    version_.fetch_add(1, std::memory_order_release);
}

void Coherence::remember(const policy::Invalidation& invalidation, TimePoint learned) {
    const bool is_tag = invalidation.kind == Kind::tag;
    const std::string name = invalidation.kind == Kind::all ? "*" : invalidation.name;
    Known& known = is_tag ? tags_[name] : patterns_.try_emplace(name, name).first->second;
    if (known.history.add(invalidation.xid, learned)) order_.push_back({&known, invalidation.xid, learned});
    if (invalidation.purge) {
        known.purges.add(invalidation.xid, learned);
        const auto latest = std::max(last_purge(), learned);
        last_purge_.store(latest.time_since_epoch().count(), std::memory_order_release);
    }
    if (is_tag && tags_.size() > 2 * remembered_) limit(tags_, remembered_);
    if (!is_tag && patterns_.size() > most_patterns) limit(patterns_, most_patterns / 2);
    version_.fetch_add(1, std::memory_order_release);
}

void Coherence::forget_old(TimePoint now) {
    while (!order_.empty() && (order_.size() > remembered_ || order_.front().learned + exact_for < now)) {
        const auto& oldest = order_.front();
        oldest.known->history.merge(oldest.xid);
        order_.pop_front();
    }
}

// Those with the oldest transactions go, and the horizon stands for them.
template <class Names>
void Coherence::limit(Names& names, std::size_t most) {
    std::vector<std::uint64_t> greatest;
    greatest.reserve(names.size());
    for (const auto& [name, known] : names) greatest.push_back(known.history.greatest());
    const auto first_kept = greatest.end() - static_cast<std::ptrdiff_t>(std::min(most, greatest.size()));
    if (first_kept == greatest.begin()) return;
    std::nth_element(greatest.begin(), first_kept - 1, greatest.end());
    const auto gone = *(first_kept - 1);
    for (auto& [name, known] : names) {
        known.goes = known.history.greatest() <= gone;
        if (!known.goes) continue;
        forgotten_.history.add(0, known.history.learned());
        forgotten_.purges.absorb(known.purges);
    }
    std::erase_if(order_, [](const Entry& entry) { return entry.known->goes; });
    std::erase_if(names, [](const auto& entry) { return entry.second.goes; });
    horizon_ = std::max(horizon_, gone + 1);
}

void Coherence::collect(const CachedValue& value, std::vector<const Known*>& relevant) const {
    relevant.push_back(&forgotten_);
    for (const auto& tag : value.tags) {
        const auto found = tags_.find(tag);
        if (found != tags_.end()) relevant.push_back(&found->second);
    }
    for (const auto& [pattern, known] : patterns_) {
        if (known.glob.matches(value.path)) relevant.push_back(&known);
    }
}

bool Coherence::taken_by_purge(const CachedValue& value, const std::vector<const Known*>& relevant) const noexcept {
    const bool compares = value.label && value.label->history == history_ && history_ != 0;
    const Snapshot* const label = compares ? &value.label->snapshot : nullptr;
    return std::any_of(relevant.begin(), relevant.end(),
                       [&](const Known* known) { return known->purges.takes(value.loaded_at, label); });
}

bool Coherence::purged(const CachedValue& value) const {
    if (last_purge() == TimePoint::min()) return false;
    std::vector<const Known*> relevant;
    const std::shared_lock lock{mutex_};
    collect(value, relevant);
    return taken_by_purge(value, relevant);
}

HistoryId Coherence::history() const {
    const std::shared_lock lock{mutex_};
    return history_;
}

std::optional<Label> Coherence::label() const {
    const std::shared_lock lock{mutex_};
    if (!enabled() || !polled_ || history_ == 0) return std::nullopt;
    return Label{history_, polled_->shortened(Label::most_running)};
}

std::optional<TimePoint> Coherence::last_poll_sent() const noexcept { return look().last_poll_sent; }

Coherence::Look Coherence::look() const noexcept {
    const auto now = Clock::now();
    const auto sent = last_poll_sent_.load(std::memory_order_acquire);
    if (sent == 0) return {now, std::nullopt};
    const Duration slept = runtime::asleep(now) - Duration{asleep_.load(std::memory_order_relaxed)};
    return {now, TimePoint{Duration{sent}} - (slept > reading_error ? slept : Duration::zero())};
}

policy::Freshness Coherence::judge(const CachedValue& value, const Look& look) const {
    const auto now = look.now;
    policy::Coherence state;
    // The order of these reads matters: the poll's time first, then the version of what it brought.
    state.last_poll_sent = look.last_poll_sent;
    const auto version = version_.load(std::memory_order_acquire);
    state.enabled = enabled();
    state.polls_fail = polls_fail();

    policy::CachedValue view;
    view.loaded_at = value.loaded_at;
    view.ttl = value.ttl;
    view.stale = value.stale;
    view.revalidate = value.revalidate;
    view.grace = value.grace;
    view.tagged = !value.tags.empty();

    if (value.checked_version.load(std::memory_order_relaxed) == version) {
        view.label = &everything;
        view.history = state.history = any_history;
        return policy::judge_freshness(now, view, state, {});
    }
    if (value.label) {
        view.label = &value.label->snapshot;
        view.history = value.label->history;
    }
    thread_local std::vector<const Known*> known;
    thread_local std::vector<const policy::TagHistory*> relevant;
    known.clear();
    relevant.clear();
    const std::shared_lock lock{mutex_};
    collect(value, known);
    if (taken_by_purge(value, known)) return policy::Freshness::unusable;
    for (const auto* one : known) relevant.push_back(&one->history);
    state.history = history_;
    state.polled = polled_ ? &*polled_ : nullptr;
    state.horizon = horizon_;
    const auto verdict = policy::judge_freshness(now, view, state, relevant);
    // Only a value that survived may skip the look-up next time.
    if (policy::may_be_served(verdict)) value.checked_version.store(version, std::memory_order_relaxed);
    return verdict;
}

}  // namespace sluice::cache

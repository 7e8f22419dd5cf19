#include "policy/sliding_window.hpp"

#include <algorithm>
#include <utility>

namespace sluice::policy {

namespace {

constexpr std::size_t smallest_ring = 4;
constexpr std::uint64_t most_exact = 1'024;  // tokens; beyond, neighbours share an entry

/// Two moments with the same number may share an entry.
Duration::rep slot(TimePoint moment, std::uint64_t limit, Duration window) noexcept {
    if (limit <= most_exact) return moment.time_since_epoch().count();
    return moment.time_since_epoch() / std::max(Duration{1}, window / static_cast<Duration::rep>(most_exact));
}

}  // namespace

SlidingWindow::Decision SlidingWindow::admit(TimePoint now, std::uint64_t limit, Duration window, std::uint64_t cost) {
    auto decision = look(now, limit, window, cost);
    if (!decision.admitted) return decision;
    record(now, limit, window, cost);
    decision.remaining -= cost;
    decision.reset_after = at(0).at + window - not_before_newest(now);
    return decision;
}

SlidingWindow::Decision SlidingWindow::look(TimePoint now, std::uint64_t limit, Duration window, std::uint64_t cost) {
    if (window <= Duration::zero()) return {};
    now = not_before_newest(now);
    drop_before(now - window);

    Decision decision;
    decision.remaining = limit - std::min(limit, tokens_);
    decision.admitted = decision.remaining >= cost;
    if (count_ > 0) decision.reset_after = at(0).at + window - now;
    if (!decision.admitted) decision.retry_after = cost > limit ? window : until_fits(now, limit - cost, window);
    return decision;
}

void SlidingWindow::record(TimePoint now, std::uint64_t limit, Duration window, std::uint64_t cost) {
    now = not_before_newest(now);
    tokens_ += cost;
    if (count_ > 0 && slot(newest(), limit, window) == slot(now, limit, window)) {
        // They leave together, with the later of the two.
        at(count_ - 1).at = now;
        at(count_ - 1).tokens += cost;
        return;
    }
    push({now, cost});
}

TimePoint SlidingWindow::not_before_newest(TimePoint now) const noexcept {
    return count_ > 0 ? std::max(now, newest()) : now;
}

// Until no more than `room` tokens are left, also if the limit was higher when they came.
Duration SlidingWindow::until_fits(TimePoint now, std::uint64_t room, Duration window) const noexcept {
    auto left = tokens_;
    for (std::size_t i = 0; i < count_; ++i) {
        left -= at(i).tokens;
        if (left <= room) return at(i).at + window - now;
    }
    return Duration::zero();
}

void SlidingWindow::drop_before(TimePoint moment) {
    while (count_ > 0 && at(0).at <= moment) {
        tokens_ -= at(0).tokens;
        first_ = (first_ + 1) & (ring_.size() - 1);
        --count_;
    }
    // Give memory back after a burst; a quarter full, so that growing and shrinking do not alternate.
    if (ring_.size() > smallest_ring && count_ < ring_.size() / 4) resize(ring_.size() / 2);
}

void SlidingWindow::push(Admission admission) {
    if (count_ == ring_.size()) resize(std::max(smallest_ring, ring_.size() * 2));
    ring_[(first_ + count_) & (ring_.size() - 1)] = admission;
    ++count_;
}

void SlidingWindow::resize(std::size_t capacity) {
    std::vector<Admission> ring(capacity);
    for (std::size_t i = 0; i < count_; ++i) ring[i] = at(i);
    ring_ = std::move(ring);
    first_ = 0;
}

}  // namespace sluice::policy

#include "policy/sliding_window.hpp"

#include <algorithm>
#include <utility>

namespace sluice::policy {

namespace {
constexpr std::size_t smallest_ring = 4;
}

SlidingWindow::Decision SlidingWindow::admit(TimePoint now, std::uint64_t limit, Duration window) {
    if (window <= Duration::zero()) return {};
    if (count_ > 0) now = std::max(now, newest());
    drop_before(now - window);

    Decision decision;
    decision.admitted = count_ < limit;
    if (decision.admitted) push(now);
    decision.remaining = limit - std::min<std::uint64_t>(limit, count_);
    if (count_ > 0) decision.reset_after = at(0) + window - now;
    if (!decision.admitted) {
        // One fits as soon as limit - 1 are left, also if the limit was higher when they came.
        decision.retry_after = limit == 0 ? window : at(count_ - static_cast<std::size_t>(limit)) + window - now;
    }
    return decision;
}

void SlidingWindow::drop_before(TimePoint moment) {
    while (count_ > 0 && at(0) <= moment) {
        first_ = (first_ + 1) & (ring_.size() - 1);
        --count_;
    }
    // Give memory back after a burst; a quarter full, so that growing and shrinking do not alternate.
    if (ring_.size() > smallest_ring && count_ < ring_.size() / 4) resize(ring_.size() / 2);
}

void SlidingWindow::push(TimePoint moment) {
    if (count_ == ring_.size()) resize(std::max(smallest_ring, ring_.size() * 2));
    ring_[(first_ + count_) & (ring_.size() - 1)] = moment;
    ++count_;
}

void SlidingWindow::resize(std::size_t capacity) {
    std::vector<TimePoint> ring(capacity);
    for (std::size_t i = 0; i < count_; ++i) ring[i] = at(i);
    ring_ = std::move(ring);
    first_ = 0;
}

}  // namespace sluice::policy

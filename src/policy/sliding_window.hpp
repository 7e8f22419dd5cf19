// An exact sliding-window log for one key: the time of every admission that still counts. Hides the ring it is kept in.
#pragma once

#include "sluice/deadline.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::policy {

/// In any span of `window` at most `limit` requests are admitted; an admission at t leaves the window at t + window exactly.
/// A rejected request is not recorded. 8 bytes per admission that still counts. Not thread-safe.
class SlidingWindow {
public:
    struct Decision {
        bool admitted = false;
        std::uint64_t remaining = 0;  ///< how many more would be admitted now
        Duration reset_after{0};      ///< until the oldest admission leaves the window; zero if there is none
        Duration retry_after{0};      ///< rejected: until a request would be admitted, if nobody else comes; else zero
    };

    /// Counts one request at `now` if it fits. Times that go back count as the last one, for callers that read the clock
    /// before they took a lock. A lower `limit` than before holds at once; a longer `window` does not bring back
    /// admissions that had left the shorter one. Nothing fits a limit of 0, nor a window that is not positive
    /// (retry_after is then one window).
    Decision admit(TimePoint now, std::uint64_t limit, Duration window);

    /// Admissions not dropped yet; `admit` drops those that have left the window.
    std::size_t size() const noexcept { return count_; }
    /// The latest admission. Only if size() > 0.
    TimePoint newest() const noexcept { return at(count_ - 1); }

private:
    TimePoint at(std::size_t i) const noexcept { return ring_[(first_ + i) & (ring_.size() - 1)]; }
    void drop_before(TimePoint moment);
    void push(TimePoint moment);
    void resize(std::size_t capacity);

    std::vector<TimePoint> ring_;  // capacity is a power of two, or 0
    std::size_t first_ = 0;
    std::size_t count_ = 0;
};

}  // namespace sluice::policy

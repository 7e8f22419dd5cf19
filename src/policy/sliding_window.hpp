// A sliding-window log for one key: when what was admitted and still counts. Hides the ring it is kept in.
#pragma once

#include "sluice/deadline.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::policy {

/// In any span of `window` at most `limit` tokens are admitted; what was admitted at t leaves the window at t + window
/// exactly, or, of limits above 1,024, up to a thousandth of the window later, so that memory is bounded: 16 bytes per
/// admission that still counts, and 16 KiB at most. A rejected request is not recorded. Not thread-safe.
class SlidingWindow {
public:
    struct Decision {
        bool admitted = false;
        std::uint64_t remaining = 0;  ///< how many more tokens would be admitted now
        Duration reset_after{0};      ///< until the oldest admission leaves the window; zero if there is none
        Duration retry_after{0};      ///< rejected: until the request would be admitted, if nobody else comes; else zero
    };

    /// Counts `cost` tokens at `now` if they fit. Times that go back count as the last one, for callers that read the clock
    /// before they took a lock. A lower `limit` than before holds at once; a longer `window` does not bring back
    /// admissions that had left the shorter one. What costs more than the limit never fits, nor does anything in a window
    /// that is not positive (retry_after is then one window).
    Decision admit(TimePoint now, std::uint64_t limit, Duration window, std::uint64_t cost = 1);

    /// The two halves of it: whether it would fit, without counting it, and counting it, which `look` has just allowed.
    Decision look(TimePoint now, std::uint64_t limit, Duration window, std::uint64_t cost = 1);
    void record(TimePoint now, std::uint64_t limit, Duration window, std::uint64_t cost = 1);

    /// Tokens admitted and not dropped yet; `admit` and `look` drop those that have left the window.
    std::uint64_t tokens() const noexcept { return tokens_; }
    /// The latest admission. Only if tokens() > 0.
    TimePoint newest() const noexcept { return at(count_ - 1).at; }

private:
    struct Admission {
        TimePoint at{};
        std::uint64_t tokens = 0;
    };
    Admission& at(std::size_t i) noexcept { return ring_[(first_ + i) & (ring_.size() - 1)]; }
    const Admission& at(std::size_t i) const noexcept { return ring_[(first_ + i) & (ring_.size() - 1)]; }
    TimePoint not_before_newest(TimePoint now) const noexcept;
    Duration until_fits(TimePoint now, std::uint64_t room, Duration window) const noexcept;
    void drop_before(TimePoint moment);
    void push(Admission admission);
    void resize(std::size_t capacity);

    std::vector<Admission> ring_;  // capacity is a power of two, or 0
    std::size_t first_ = 0;
    std::size_t count_ = 0;
    std::uint64_t tokens_ = 0;
};

}  // namespace sluice::policy

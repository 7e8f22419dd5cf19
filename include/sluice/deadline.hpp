// A moment after which nobody waits for the answer any more. Travels with a request through every port.
#pragma once

#include <algorithm>
#include <chrono>

namespace sluice {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;

class Deadline {
public:
    /// No deadline at all.
    static constexpr Deadline never() noexcept { return Deadline{TimePoint::max()}; }
    /// `patience` from `now` on.
    static constexpr Deadline after(TimePoint now, Duration patience) noexcept { return Deadline{now + patience}; }
    static constexpr Deadline at(TimePoint moment) noexcept { return Deadline{moment}; }

    constexpr TimePoint time() const noexcept { return at_; }
    constexpr bool is_never() const noexcept { return at_ == TimePoint::max(); }
    constexpr bool passed(TimePoint now) const noexcept { return now >= at_; }
    /// Never negative.
    constexpr Duration remaining(TimePoint now) const noexcept {
        return is_never() ? Duration::max() : std::max(Duration::zero(), at_ - now);
    }
    /// The earlier of the two.
    constexpr Deadline sooner(Deadline other) const noexcept { return Deadline{std::min(at_, other.at_)}; }

    friend constexpr auto operator<=>(const Deadline&, const Deadline&) = default;

private:
    constexpr explicit Deadline(TimePoint at) noexcept : at_{at} {}
    TimePoint at_;
};

}  // namespace sluice

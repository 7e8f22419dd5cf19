// Whether a transfer keeps up with a minimum rate. Pure: the time is passed in.
#pragma once

#include "sluice/deadline.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace sluice::policy {

/// A bucket of time: it begins full with `patience`, drains as time passes, and each byte that moves fills in the time that
/// it may take at the rate. So a transfer may stand still for `patience` at most, and its mean rate over longer times is at
/// least the minimum, however large the pieces are in which the network takes them.
class MinimumRate {
public:
    /// `bytes_a_second` 0: any byte is worth the whole patience.
    MinimumRate(std::uint64_t bytes_a_second, Duration patience, TimePoint now) noexcept
        : rate_{bytes_a_second}, patience_{patience}, due_{now + patience} {}

    /// So many more bytes have moved.
    void moved(std::uint64_t bytes, TimePoint now) noexcept {
        if (bytes == 0) return;
        const auto full = now + patience_;
        const auto worth = rate_ == 0
                               ? std::chrono::duration<double>{patience_}
                               : std::chrono::duration<double>{static_cast<double>(bytes) / static_cast<double>(rate_)};
        due_ = worth >= patience_ ? full : std::min(full, due_ + std::chrono::duration_cast<Duration>(worth));
    }

    /// When the transfer is too slow, unless more moves before.
    TimePoint due() const noexcept { return due_; }

private:
    std::uint64_t rate_;
    Duration patience_;
    TimePoint due_;
};

}  // namespace sluice::policy

// How long to wait before the next attempt to connect: exponential, capped, with jitter so that instances do not come in
// step ("equal jitter", M. Brooker, AWS Architecture Blog, 2015).
#pragma once

#include "sluice/deadline.hpp"

#include <algorithm>
#include <cstdint>

namespace sluice::policy {

class Backoff {
public:
    struct Settings {
        Duration shortest = std::chrono::milliseconds{50};  ///< of the first wait; positive
        Duration longest = std::chrono::seconds{2};         ///< of any wait; at least twice the shortest
    };

    Backoff() : Backoff{Settings{}} {}
    explicit Backoff(Settings settings) : settings_{settings} {}

    /// The next wait, between half the current step and the step; the step doubles from 2 * shortest up to longest. `random`
    /// is uniform over all 64 bits.
    Duration next(std::uint64_t random) noexcept {
        const Duration step = std::min(settings_.longest, settings_.shortest * (std::int64_t{2} << doublings_));
        if (step < settings_.longest) ++doublings_;
        const auto half = static_cast<std::uint64_t>((step / 2).count());
        return Duration{static_cast<Duration::rep>(half + random % (half + 1))};
    }

    /// After a success: the next wait is of the first step again.
    void reset() noexcept { doublings_ = 0; }

private:
    Settings settings_;
    unsigned doublings_ = 0;  // bounded, as the step stops growing at `longest`
};

}  // namespace sluice::policy

// Whether a statement is known to be so quick that others may queue behind it on one connection. Pure: durations are passed
// in.
#pragma once

#include "sluice/deadline.hpp"

#include <algorithm>
#include <atomic>

namespace sluice::policy {

/// A running mean of what a statement takes. From any thread; two observations at once may count as one.
class StatementPace {
public:
    /// Nothing is known of a statement before it ran so often.
    static constexpr int first_runs = 3;
    /// A mean up to this is quick. Above it a statement is held back until it has come down again.
    static constexpr Duration quick_up_to = std::chrono::milliseconds{5};
    /// One run counts as at most this, so that a quick statement which was caught once by a lock is soon quick again.
    static constexpr Duration longest_counted = std::chrono::milliseconds{100};

    /// A run that took this long.
    void observe(Duration took) noexcept {
        took = std::clamp(took, Duration::zero(), longest_counted);
        const auto runs = runs_.load(std::memory_order_relaxed);
        const auto mean = Duration{mean_.load(std::memory_order_relaxed)};
        store(runs == 0 && mean == Duration::zero() ? took : mean + (took - mean) / weight);
        if (runs < first_runs) runs_.store(runs + 1, std::memory_order_relaxed);
    }

    /// It holds up others, and has done so for this long: it is slow from now on, until enough quick runs speak for it.
    void held_up(Duration so_far) noexcept {
        store(std::max({Duration{mean_.load(std::memory_order_relaxed)}, std::min(so_far, longest_counted),
                        Duration{2 * quick_up_to}}));
    }

    /// What it answers is too large for a connection that others queue on. For a while it is not quick, whatever it takes.
    void outgrew() noexcept { runs_.store(-runs_after_outgrowing, std::memory_order_relaxed); }

    bool quick() const noexcept { return runs_.load(std::memory_order_relaxed) >= first_runs && mean() <= quick_up_to; }
    /// Zero before the first run.
    Duration mean() const noexcept { return Duration{mean_.load(std::memory_order_relaxed)}; }

private:
    static constexpr int runs_after_outgrowing = 100;
    static constexpr int weight = 8;  // of what went before, against the last run
    void store(Duration mean) noexcept { mean_.store(mean.count(), std::memory_order_relaxed); }

    std::atomic<Duration::rep> mean_{0};
    std::atomic<int> runs_{0};
};

}  // namespace sluice::policy

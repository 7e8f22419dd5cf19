// Keeps a fault that every request meets from filling the log: one line an interval, and a count of the others.
#pragma once

#include "sluice/deadline.hpp"

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

namespace sluice::log {

/// Any thread; one per place that logs. Knows no clock.
class Throttle {
public:
    explicit Throttle(Duration interval = std::chrono::seconds{1}) noexcept : interval_{interval} {}

    /// Whether to write a line at `now`: nothing, or how many were left out since the last one.
    std::optional<std::uint64_t> pass(TimePoint now) noexcept {
        const auto tick = now.time_since_epoch().count();
        auto next = next_.load(std::memory_order_relaxed);
        if (tick >= next && next_.compare_exchange_strong(next, tick + interval_.count(), std::memory_order_relaxed)) {
            return left_out_.exchange(0, std::memory_order_relaxed);
        }
        left_out_.fetch_add(1, std::memory_order_relaxed);
        return std::nullopt;
    }

private:
    const Duration interval_;
    std::atomic<Duration::rep> next_{0};
    std::atomic<std::uint64_t> left_out_{0};
};

}  // namespace sluice::log

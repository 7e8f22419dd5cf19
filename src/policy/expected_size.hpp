// How large a route's next answer may be, by the last ones. Pure.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>

namespace sluice::policy {

/// The largest of late: a large answer is remembered for some dozens of small ones. From any thread; of two observations
/// at once one may be lost.
class ExpectedSize {
public:
    void observe(std::size_t bytes) noexcept {
        const auto before = bytes_.load(std::memory_order_relaxed);
        const auto now = std::max(bytes, before - before / 8);
        if (now != before) bytes_.store(now, std::memory_order_relaxed);
    }
    std::size_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::size_t> bytes_{0};
};

}  // namespace sluice::policy

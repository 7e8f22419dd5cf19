// File descriptors that are held for the time when there are no others: one is given up so that a connection can be accepted
// in its place. Hides what they are open for.
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

namespace sluice::http {

/// Any thread.
class SpareDescriptors {
public:
    explicit SpareDescriptors(std::size_t most) : most_{most} {}
    ~SpareDescriptors();
    SpareDescriptors(const SpareDescriptors&) = delete;
    SpareDescriptors& operator=(const SpareDescriptors&) = delete;

    /// Opens what is missing, as far as the process may.
    void refill() noexcept;
    /// Whether there was one, and so is room for another.
    bool give_one_up() noexcept;

private:
    const std::size_t most_;
    std::mutex mutex_;
    std::vector<int> held_;
};

}  // namespace sluice::http

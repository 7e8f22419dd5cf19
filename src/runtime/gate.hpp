// Counts what is under way, so that a stop can wait for it; nothing enters once it is closed.
#pragma once

#include <cassert>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <utility>

#include "sluice/deadline.hpp"

namespace sluice::runtime {

class Gate {
public:
    /// Held while something is under way.
    class Pass {
    public:
        explicit Pass(Gate* gate) noexcept : gate_{gate} {}
        Pass(Pass&& other) noexcept : gate_{std::exchange(other.gate_, nullptr)} {}
        Pass& operator=(Pass&& other) noexcept {
            std::swap(gate_, other.gate_);
            return *this;
        }
        ~Pass() {
            if (gate_) gate_->leave();
        }

    private:
        Gate* gate_;
    };

    Gate() = default;
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;
    ~Gate() { assert(count_ == 0); }

    /// Nothing once the gate is closed.
    std::optional<Pass> enter() {
        const std::lock_guard lock{mutex_};
        if (closed_) return std::nullopt;
        ++count_;
        return std::optional<Pass>{std::in_place, this};
    }

    void close() {
        const std::lock_guard lock{mutex_};
        closed_ = true;
    }

    /// Blocks until nothing is under way; false if the deadline passed first. Not from a loop.
    bool wait_empty(Deadline deadline) {
        std::unique_lock lock{mutex_};
        const auto empty = [this] { return count_ == 0; };
        if (!deadline.is_never()) return emptied_.wait_until(lock, deadline.time(), empty);
        emptied_.wait(lock, empty);
        return true;
    }

    std::size_t count() const {
        const std::lock_guard lock{mutex_};
        return count_;
    }

private:
    void leave() {
        const std::lock_guard lock{mutex_};
        if (--count_ == 0) emptied_.notify_all();
    }

    mutable std::mutex mutex_;
    std::condition_variable emptied_;
    std::size_t count_ = 0;
    bool closed_ = false;
};

}  // namespace sluice::runtime

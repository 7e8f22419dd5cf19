// How much memory the process gives to bodies and answers in flight, all requests together. Hides who holds what.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

namespace sluice::runtime {

/// From any thread. A share may outlive it.
class MemoryBudget {
public:
    /// What a connection's own buffers take anyhow is not worth counting: less than this is not claimed.
    static constexpr std::size_t counted_from = std::size_t{16} * 1024;

    explicit MemoryBudget(std::size_t bytes) : state_{std::make_shared<State>(bytes)} {}

    /// So many bytes of it, until it is destroyed.
    class Share;

    /// Nothing: there is not so much left.
    std::optional<Share> try_claim(std::size_t bytes);
    /// Of what is there already, and so is counted even if it is too much.
    Share claim(std::size_t bytes);

    std::size_t used() const noexcept { return state_->used.load(std::memory_order_relaxed); }
    std::size_t limit() const noexcept { return state_->limit; }

private:
    struct State {
        explicit State(std::size_t bytes) : limit{bytes} {}
        bool try_add(std::size_t bytes) noexcept {
            auto now = used.load(std::memory_order_relaxed);
            do {
                if (now > limit || bytes > limit - now) return false;
            } while (!used.compare_exchange_weak(now, now + bytes, std::memory_order_relaxed));
            return true;
        }
        const std::size_t limit;
        std::atomic<std::size_t> used{0};
    };
    std::shared_ptr<State> state_;
};

class MemoryBudget::Share {
public:
    Share(std::shared_ptr<State> state, std::size_t bytes) noexcept : state_{std::move(state)}, bytes_{bytes} {}
    ~Share() {
        if (state_) state_->used.fetch_sub(bytes_, std::memory_order_relaxed);
    }
    Share(Share&& other) noexcept : state_{std::move(other.state_)}, bytes_{other.bytes_} {}
    Share& operator=(Share&& other) noexcept {
        std::swap(state_, other.state_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }

private:
    std::shared_ptr<State> state_;  // null: moved from
    std::size_t bytes_;
};

inline std::optional<MemoryBudget::Share> MemoryBudget::try_claim(std::size_t bytes) {
    if (!state_->try_add(bytes)) return std::nullopt;
    return Share{state_, bytes};
}

inline MemoryBudget::Share MemoryBudget::claim(std::size_t bytes) {
    state_->used.fetch_add(bytes, std::memory_order_relaxed);
    return Share{state_, bytes};
}

}  // namespace sluice::runtime

// A cached value's body in other content codings. Each is made once, by whoever first is asked for it, and kept with the
// value. Hides how readers on other threads see one appear.
#pragma once

#include "policy/content_coding.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <string>
#include <utility>

namespace sluice::cache {

struct CodedBody {
    std::string body;
    std::string etag;  ///< strong, of this coding (RFC 9110 section 8.8.3.3)
};

class CodedBodies {
public:
    /// Null: it is not there, or not yet.
    const CodedBody* find(policy::ContentCoding coding) const noexcept {
        if (coding == policy::ContentCoding::identity) return nullptr;
        const auto& slot = slots_[index(coding)];
        return slot.state.load(std::memory_order_acquire) == State::kept ? &slot.coded : nullptr;
    }
    /// Held by one caller alone, who is to make it; until it is kept, the others do without. Given back if it ends
    /// without a word, as when its holder's client leaves. Must not outlive the bodies.
    class Claim;
    Claim claim(policy::ContentCoding coding) noexcept;

    std::size_t bytes() const noexcept {
        std::size_t total = 0;
        for (const auto& slot : slots_) {
            if (slot.state.load(std::memory_order_acquire) == State::kept) total += slot.coded.body.capacity();
        }
        return total;
    }

private:
    enum class State : unsigned char { missing, claimed, kept };
    struct Slot {
        std::atomic<State> state{State::missing};
        CodedBody coded;  // written before `kept`, never after
    };
    static std::size_t index(policy::ContentCoding coding) noexcept { return coding == policy::ContentCoding::gzip ? 0 : 1; }

    std::array<Slot, 2> slots_;
};

class CodedBodies::Claim {
public:
    explicit Claim(Slot* slot) noexcept : slot_{slot} {}
    ~Claim() {
        if (slot_ != nullptr) slot_->state.store(State::missing, std::memory_order_relaxed);
    }
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;
    explicit operator bool() const noexcept { return slot_ != nullptr; }

    void keep(CodedBody coded) noexcept {
        auto* slot = std::exchange(slot_, nullptr);
        slot->coded = std::move(coded);
        slot->state.store(State::kept, std::memory_order_release);
    }
    /// It is not worth another try.
    void settle() noexcept { slot_ = nullptr; }

private:
    Slot* slot_;
};

inline CodedBodies::Claim CodedBodies::claim(policy::ContentCoding coding) noexcept {
    if (coding == policy::ContentCoding::identity) return Claim{nullptr};
    auto& slot = slots_[index(coding)];
    auto expected = State::missing;
    const bool mine = slot.state.compare_exchange_strong(expected, State::claimed, std::memory_order_acquire);
    return Claim{mine ? &slot : nullptr};
}

}  // namespace sluice::cache

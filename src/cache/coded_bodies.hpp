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
    /// True for one caller alone, who is to make it; until it is kept, the others do without.
    bool claim(policy::ContentCoding coding) noexcept {
        auto expected = State::missing;
        return coding != policy::ContentCoding::identity &&
               slots_[index(coding)].state.compare_exchange_strong(expected, State::claimed, std::memory_order_relaxed);
    }
    /// By whoever claimed it. What is not kept stays claimed: it is not worth another try.
    void keep(policy::ContentCoding coding, CodedBody coded) noexcept {
        auto& slot = slots_[index(coding)];
        slot.coded = std::move(coded);
        slot.state.store(State::kept, std::memory_order_release);
    }

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

}  // namespace sluice::cache

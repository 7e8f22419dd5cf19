// How many bytes one instance may keep in a store that all instances share, by when they expire there. Pure: moments are
// passed in.
#pragma once

#include "sluice/deadline.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

namespace sluice::policy {

/// Whoever asks for ever new things fills a cache with copies that nobody reads again. Such a newcomer is on trial: it takes
/// from half of the budget at most, and only for a while. What is used again takes from all of it, so newcomers crowd out
/// each other alone.
///
/// What is stored is not asked for: a store drops it when it expires, or earlier, so that the sum is never less than what
/// there is.
class StoreBudget {
public:
    explicit StoreBudget(std::size_t bytes) noexcept : most_{bytes}, most_on_trial_{bytes / 2} {}

    /// What was taken, for giving it back.
    struct Charge {
        std::size_t bytes = 0;
        std::int64_t slot = 0;
        bool on_trial = false;
    };

    /// Room for so many bytes that expire then, in the place of `replaced`; nothing: there is none, and all stays as it is.
    std::optional<Charge> take(std::size_t bytes, bool on_trial, TimePoint expires, TimePoint now,
                               const std::optional<Charge>& replaced = std::nullopt);
    /// They are gone, or replaced, before they expired.
    void give_back(const Charge& charge, TimePoint now);

    std::size_t bytes(TimePoint now);

private:
    struct Slot {
        std::size_t on_trial = 0;
        std::size_t used = 0;
    };
    static std::int64_t slot_of(TimePoint expires, TimePoint now) noexcept;
    void drop_expired(TimePoint now);
    bool has_room(std::size_t bytes, bool on_trial) const noexcept;
    void add(const Charge& charge);
    void remove(const Charge& charge);

    const std::size_t most_;
    const std::size_t most_on_trial_;
    std::size_t on_trial_ = 0;
    std::size_t used_ = 0;
    std::map<std::int64_t, Slot> slots_;  // by the second after which all in it have expired
};

}  // namespace sluice::policy

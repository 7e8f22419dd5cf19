// The port of the second cache level: bytes by key, kept for a while, shared by all instances.
#pragma once

#include "sluice/deadline.hpp"
#include "sluice/executor.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

enum class StoreStatus {
    found,        // the bytes are there
    missing,      // the store answered that it has nothing
    unavailable,  // the store could not answer in time
};

struct StoredBytes {
    StoreStatus status = StoreStatus::unavailable;
    std::string bytes;  ///< if found
    /// If found: what is left of their whole lifetime, by the store's own clock.
    std::chrono::milliseconds remaining{0};
    bool on_trial = false;  ///< if found: they go earlier than that unless they are prolonged
};

/// How long bytes are kept.
struct Lifetime {
    using milliseconds = std::chrono::milliseconds;
    template <class Rep, class Period>
    Lifetime(std::chrono::duration<Rep, Period> of_all) : first{of_all}, whole{of_all} {}
    Lifetime(milliseconds at_first, milliseconds if_used) : first{std::min(at_first, if_used)}, whole{if_used} {}

    bool on_trial() const noexcept { return first < whole; }

    milliseconds first;  ///< unless they are prolonged
    milliseconds whole;  ///< if they are
};

enum class LockStatus {
    acquired,     // it is ours
    held,         // somebody else has it
    unavailable,  // the store could not answer in time
};

class ByteStore {
public:
    virtual ~ByteStore() = default;
    virtual awaitable<StoredBytes> get(std::string_view key, Deadline deadline) = 0;
    /// False if the store could not take it; nothing is lost but the copy.
    virtual awaitable<bool> put(std::string_view key, std::string bytes, Lifetime lifetime, Deadline deadline) = 0;
    /// They are used: they live their whole lifetime, counted from when they were put. Found: they do so now.
    virtual awaitable<StoreStatus> prolong(std::string_view key, Deadline deadline) = 0;
    /// False if the store could not be asked. Missing is erased.
    virtual awaitable<bool> erase(std::string_view key, Deadline deadline) = 0;
    /// Erases every value that is there during the whole call and whose first bytes, all or at least 4 KiB, `goes` names.
    /// Returns how many; nothing: it could not look at all of them.
    virtual awaitable<std::optional<std::size_t>> erase_those(std::function<bool(std::string_view beginning)> goes,
                                                              Deadline deadline) = 0;

    /// Takes the right to fill a key, so that of several instances one loads what all miss. It ends by itself after
    /// `lifetime`: the holder may be gone. `owner` is a name of the attempt's own.
    virtual awaitable<LockStatus> lock(std::string_view key, std::string_view owner, std::chrono::milliseconds lifetime,
                                       Deadline deadline) = 0;
    /// Gives it back; nothing happens if it has ended, or is another's by now.
    virtual awaitable<void> unlock(std::string_view key, std::string_view owner, Deadline deadline) = 0;
};

}  // namespace sluice

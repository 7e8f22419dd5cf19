// What keys cannot say themselves because it was decided after they were issued: revocations and other tiers.
// Hides how little memory a million of them take.
#pragma once

#include "auth/key_id.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::auth {

/// What was decided about one key.
struct KeyException {
    /// From when on it is refused; nothing: it is not. The epoch: it is, whatever the clock says.
    std::optional<std::chrono::sys_seconds> revoked_from;
    std::optional<std::string> tier;  ///< instead of the one in the key

    bool is_none() const noexcept { return !revoked_from && !tier; }
    friend bool operator==(const KeyException&, const KeyException&) = default;
};

/// Exceptions by key id, 20 to 44 bytes each. One thread at a time.
class KeyExceptionTable {
public:
    /// Sets what holds for that key from now on; no exception: it is as it says again. Ids that are not 24 lower-case hex
    /// digits belong to no key that verifies and are left out.
    void apply(std::string_view id, const KeyException& exception);
    KeyException find(std::string_view id) const;
    std::size_t size() const noexcept { return exceptions_.size(); }

private:
    struct Hash {
        std::size_t operator()(const KeyId& id) const noexcept;
    };
    struct Stored {
        std::array<std::uint16_t, 2> revoked_from;  // epoch seconds, the high half first: 18 bytes an entry, not 20
        std::uint16_t tier;                         // position in tiers_ + 1; 0: the key's own
    };

    std::uint16_t number_of(const std::string& tier);

    boost::unordered_flat_map<KeyId, Stored, Hash> exceptions_;
    std::vector<std::string> tiers_;  // a handful of names for all
};

/// The table that all requests look into. Any thread. Looking up costs one atomic load while it is empty, else a shared
/// lock and a hash.
class KeyExceptions {
public:
    /// What to make of a key.
    struct Ruling {
        bool revoked = false;
        std::optional<std::string> tier;  ///< instead of the one in the key

        friend bool operator==(const Ruling&, const Ruling&) = default;
    };

    void apply(std::string_view id, const KeyException& exception);
    /// Sets all of them at once; nobody sees some of the new ones and some of the old.
    void replace(KeyExceptionTable table);

    Ruling find(std::string_view id, std::chrono::system_clock::time_point now) const;
    std::size_t size() const;

private:
    std::atomic<bool> any_{false};
    mutable std::shared_mutex mutex_;
    KeyExceptionTable table_;
};

}  // namespace sluice::auth

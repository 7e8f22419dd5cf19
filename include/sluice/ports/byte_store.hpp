// The port of the second cache level: bytes by key, kept for a while, shared by all instances.
#pragma once

#include "sluice/deadline.hpp"
#include "sluice/executor.hpp"

#include <chrono>
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
    std::string bytes;                       ///< if found
    std::chrono::milliseconds remaining{0};  ///< if found: until the store drops them, by its own clock
};

class ByteStore {
public:
    virtual ~ByteStore() = default;
    virtual awaitable<StoredBytes> get(std::string_view key, Deadline deadline) = 0;
    /// False if the store could not take it; nothing is lost but the copy.
    virtual awaitable<bool> put(std::string_view key, std::string bytes, std::chrono::milliseconds lifetime,
                                Deadline deadline) = 0;
};

}  // namespace sluice

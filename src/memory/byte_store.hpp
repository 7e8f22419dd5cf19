// The second cache level in this process: bounded bytes by key, each for a while. For one instance without Redis, and tests.
#pragma once

#include "sluice/deadline.hpp"
#include "sluice/ports/byte_store.hpp"

#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sluice::memory {

/// Any thread; never `unavailable`. When `max_bytes` would be exceeded, the least recently used go first.
class ByteStore final : public sluice::ByteStore {
public:
    /// `max_bytes` counts keys, values and a fixed overhead for each.
    explicit ByteStore(std::size_t max_bytes = 64 * 1024 * 1024, std::function<TimePoint()> clock = Clock::now);

    awaitable<StoredBytes> get(std::string_view key, Deadline deadline) override;
    /// False if the value alone is larger than the store; an older value of the key is then gone all the same. A lifetime
    /// that is not positive removes the key.
    awaitable<bool> put(std::string_view key, std::string bytes, Lifetime lifetime, Deadline deadline) override;
    awaitable<StoreStatus> prolong(std::string_view key, Deadline deadline) override;
    awaitable<bool> erase(std::string_view key, Deadline deadline) override;
    awaitable<std::optional<std::size_t>> erase_those(std::function<bool(std::string_view beginning)> goes,
                                                      Deadline deadline) override;

    awaitable<LockStatus> lock(std::string_view key, std::string_view owner, std::chrono::milliseconds lifetime,
                               Deadline deadline) override;
    awaitable<void> unlock(std::string_view key, std::string_view owner, Deadline deadline) override;

    /// In use now; for metrics and tests.
    std::size_t bytes() const;

private:
    struct Item {
        std::string key;
        std::string bytes;
        TimePoint expires;
        TimePoint whole_life_ends;
        std::size_t cost() const noexcept { return key.size() + bytes.size() + overhead; }
    };
    using Items = std::list<Item>;
    static constexpr std::size_t overhead = 160;  // list node, index node and allocator, about

    void erase(Items::iterator item);

    const std::size_t max_bytes_;
    const std::function<TimePoint()> clock_;
    mutable std::mutex mutex_;                                     // guards what follows
    Items items_;                                                  // the most recently used first
    std::unordered_map<std::string_view, Items::iterator> index_;  // keys are views into items_
    std::size_t bytes_ = 0;
    struct Lock {
        std::string owner;
        TimePoint ends;
    };
    std::unordered_map<std::string, Lock> locks_;  // few: one for each load under way, or broken off a moment ago
};

}  // namespace sluice::memory

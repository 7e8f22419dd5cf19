// Sums up what keys use in this process, until somebody takes the sums to where all instances' are.
#pragma once

#include "policy/usage.hpp"
#include "runtime/sharded_keys.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sluice::memory {

/// Any thread. A count costs one look-up under the lock of a shard.
class UsageCounter {
public:
    /// Beyond `max_keys` waiting to be taken, what new keys use is not counted: `dropped` says how often.
    explicit UsageCounter(std::size_t max_keys = 1'000'000, std::size_t shards = 64) : keys_{max_keys, shards} {}

    void count(std::string_view key, std::chrono::sys_days day, const policy::Usage& usage);

    /// Takes sums away, `most` or a few more: each count is in one taking only. Empty: nothing is left.
    std::vector<policy::KeyUsage> take(std::size_t most);

    /// Keys that wait to be taken.
    std::size_t waiting() const { return keys_.size(); }
    std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

private:
    struct Day {
        std::chrono::sys_days day;
        policy::Usage usage;
    };
    using Days = std::vector<Day>;  // one, but around midnight
    using Keys = runtime::ShardedKeys<Days>;

    Keys keys_;
    std::atomic<std::size_t> hand_{0};  // the shard to take from next
    std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace sluice::memory

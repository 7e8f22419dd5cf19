// The in-process cache level: 64 shards, a byte budget each, SIEVE eviction. Holds immutable values; judges nothing.
// SIEVE: Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024. A hit only sets a bit, so it needs no list operation.
#pragma once

#include "cache/cached_value.hpp"

#include <array>
#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sluice::cache {

class LevelOne {
public:
    static constexpr std::size_t shard_count = 64;

    explicit LevelOne(std::size_t byte_budget);

    /// The value, fresh or not; null if there is none.
    ValuePointer find(std::string_view key);
    /// Keeps the value, and throws out what was not asked for since the hand last passed. One larger than a shard's budget
    /// is not kept.
    void put(std::string_view key, ValuePointer value);
    /// The value has grown by a coded body: counts it anew, if it is still kept.
    void count_again(std::string_view key, const ValuePointer& value);
    void erase(std::string_view key);
    void clear();

    std::size_t bytes() const;
    std::size_t entries() const;

private:
    struct Entry {
        std::string key;
        ValuePointer value;
        std::size_t bytes = 0;
        bool visited = false;
    };
    using Queue = std::list<Entry>;  // newest first

    struct Shard {
        mutable std::mutex mutex;  // never held across a suspension
        Queue queue;
        Queue::iterator hand = queue.end();
        std::unordered_map<std::string_view, Queue::iterator> index;  // keys view into the queue's entries
        std::size_t bytes = 0;

        void count(Entry& entry, std::size_t of_entry);
        void remove(Queue::iterator entry);
        void fit(std::size_t budget);
        void evict_one();
    };

    Shard& shard_of(std::string_view key);

    const std::size_t shard_budget_;
    std::array<Shard, shard_count> shards_;
};

}  // namespace sluice::cache

// The in-process cache level: 64 shards, a byte budget each, SIEVE eviction. Values too large for a shard share one of their
// own. Holds immutable values; judges nothing.
// SIEVE: Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024. A hit only sets a bit, so it needs no list operation.
#pragma once

#include "cache/cached_value.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice::cache {

class LevelOne {
public:
    static constexpr std::size_t shard_count = 64;
    static constexpr std::size_t large_part = 4;  ///< of the budget: the part that large values may take, or one of them

    explicit LevelOne(std::size_t byte_budget);

    /// The value, fresh or not; null if there is none.
    ValuePointer find(std::string_view key);
    /// Keeps the value, and throws out what was not asked for since the hand last passed. False: it is larger than
    /// `largest`, and nothing is kept under the key.
    bool put(std::string_view key, ValuePointer value);
    /// What a value, its key and the bookkeeping may take: a quarter of the budget.
    std::size_t largest() const noexcept { return budget_ / large_part; }
    /// The value has grown by a coded body: counts it anew, if it is still kept.
    void count_again(std::string_view key, const ValuePointer& value);
    void erase(std::string_view key);
    void clear();
    /// Erases those, of what is there when a shard is looked at. No shard is locked while it asks. Returns their keys.
    std::vector<std::string> erase_those(const std::function<bool(const CachedValue&)>& goes);

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

        void clear();
        void count(Entry& entry, std::size_t of_entry);
        void remove(Queue::iterator entry);
        void fit(std::size_t budget);
        void evict_one();
    };

    Shard& shard_of(std::string_view key);
    static ValuePointer find_in(Shard& shard, std::string_view key);
    static bool erase_in(Shard& shard, std::string_view key);
    static void erase_those_in(Shard& shard, const std::function<bool(const CachedValue&)>& goes,
                               std::vector<std::string>& erased);
    void put_in(Shard& shard, std::string_view key, ValuePointer value, std::size_t bytes, std::size_t budget);
    void put_large(std::string_view key, ValuePointer value, std::size_t bytes);
    static bool count_in(Shard& shard, std::string_view key, const ValuePointer& value, std::size_t budget);
    /// Of a small shard: what large values take, it lacks.
    std::size_t shard_budget() const noexcept;
    void large_changed();

    const std::size_t budget_;
    const std::size_t largest_small_;  // what fits into a shard however many large values there are
    std::array<Shard, shard_count> shards_;
    Shard large_;
    std::atomic<std::size_t> large_bytes_{0};  // its bytes, for whoever does not hold its mutex
};

}  // namespace sluice::cache

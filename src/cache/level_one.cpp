#include "cache/level_one.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace sluice::cache {
namespace {

/// List node, hash node and bucket of one entry, roughly.
constexpr std::size_t entry_overhead = 128;

std::size_t cost(std::string_view key, const CachedValue& value) { return value.bytes() + 2 * key.size() + entry_overhead; }

}  // namespace

LevelOne::LevelOne(std::size_t byte_budget)
    : budget_{byte_budget}, largest_small_{(byte_budget - byte_budget / large_part) / shard_count} {}

LevelOne::Shard& LevelOne::shard_of(std::string_view key) {
    // The upper bits: the map inside the shard uses the lower ones.
    return shards_[(std::hash<std::string_view>{}(key) >> 48) % shard_count];
}

std::size_t LevelOne::shard_budget() const noexcept {
    return (budget_ - std::min(budget_, large_bytes_.load(std::memory_order_relaxed))) / shard_count;
}

ValuePointer LevelOne::find(std::string_view key) {
    if (auto value = find_in(shard_of(key), key)) return value;
    return large_bytes_.load(std::memory_order_relaxed) == 0 ? nullptr : find_in(large_, key);
}

ValuePointer LevelOne::find_in(Shard& shard, std::string_view key) {
    const std::lock_guard lock{shard.mutex};
    const auto found = shard.index.find(key);
    if (found == shard.index.end()) return nullptr;
    found->second->visited = true;
    return found->second->value;
}

bool LevelOne::put(std::string_view key, ValuePointer value) {
    const std::size_t bytes = cost(key, *value);
    if (bytes <= largest_small_) {
        if (large_bytes_.load(std::memory_order_relaxed) > 0 && erase_in(large_, key)) large_changed();
        put_in(shard_of(key), key, std::move(value), bytes, shard_budget());
        return true;
    }
    erase_in(shard_of(key), key);
    if (bytes <= largest()) {
        put_large(key, std::move(value), bytes);
        return true;
    }
    if (erase_in(large_, key)) large_changed();
    return false;
}

void LevelOne::put_in(Shard& shard, std::string_view key, ValuePointer value, std::size_t bytes, std::size_t budget) {
    ValuePointer replaced;  // destroyed after the lock is released
    const std::lock_guard lock{shard.mutex};
    if (const auto found = shard.index.find(key); found != shard.index.end()) {
        auto& entry = *found->second;
        replaced = std::exchange(entry.value, std::move(value));
        shard.count(entry, bytes);
    } else {
        shard.queue.push_front(Entry{std::string{key}, std::move(value), bytes, false});
        shard.index.emplace(shard.queue.front().key, shard.queue.begin());
        shard.bytes += bytes;
    }
    shard.fit(budget);
}

void LevelOne::put_large(std::string_view key, ValuePointer value, std::size_t bytes) {
    put_in(large_, key, std::move(value), bytes, largest());
    large_changed();
}

// The others have more room now, or less, which they give up at once: a large value is rare, and all together must stay
// within the budget.
void LevelOne::large_changed() {
    {
        const std::lock_guard lock{large_.mutex};
        large_bytes_.store(large_.bytes, std::memory_order_relaxed);
    }
    for (auto& shard : shards_) {
        const std::lock_guard lock{shard.mutex};
        shard.fit(shard_budget());
    }
}

void LevelOne::count_again(std::string_view key, const ValuePointer& value) {
    if (count_in(shard_of(key), key, value, shard_budget())) return;
    if (large_bytes_.load(std::memory_order_relaxed) > 0 && count_in(large_, key, value, largest())) large_changed();
}

bool LevelOne::count_in(Shard& shard, std::string_view key, const ValuePointer& value, std::size_t budget) {
    const std::lock_guard lock{shard.mutex};
    const auto found = shard.index.find(key);
    if (found == shard.index.end() || found->second->value != value) return false;
    shard.count(*found->second, cost(key, *value));
    shard.fit(budget);
    return true;
}

void LevelOne::erase(std::string_view key) {
    erase_in(shard_of(key), key);
    if (large_bytes_.load(std::memory_order_relaxed) > 0 && erase_in(large_, key)) large_changed();
}

bool LevelOne::erase_in(Shard& shard, std::string_view key) {
    const std::lock_guard lock{shard.mutex};
    const auto found = shard.index.find(key);
    if (found == shard.index.end()) return false;
    shard.remove(found->second);
    return true;
}

void LevelOne::clear() {
    for (auto& shard : shards_) shard.clear();
    large_.clear();
    large_bytes_.store(0, std::memory_order_relaxed);
}

std::vector<std::string> LevelOne::erase_those(const std::function<bool(const CachedValue&)>& goes) {
    std::vector<std::string> erased;
    for (auto& shard : shards_) erase_those_in(shard, goes, erased);
    const auto small = erased.size();
    erase_those_in(large_, goes, erased);
    if (erased.size() > small) large_changed();
    return erased;
}

void LevelOne::erase_those_in(Shard& shard, const std::function<bool(const CachedValue&)>& goes,
                              std::vector<std::string>& erased) {
    std::vector<std::pair<std::string, ValuePointer>> there;
    {
        const std::lock_guard lock{shard.mutex};
        there.reserve(shard.queue.size());
        for (const auto& entry : shard.queue) there.emplace_back(entry.key, entry.value);
    }
    for (auto& [key, value] : there) {
        if (!goes(*value)) continue;
        const std::lock_guard lock{shard.mutex};
        const auto found = shard.index.find(key);
        if (found == shard.index.end() || found->second->value != value) continue;
        shard.remove(found->second);
        erased.push_back(std::move(key));
    }
}

std::size_t LevelOne::bytes() const {
    std::size_t total = large_bytes_.load(std::memory_order_relaxed);
    for (const auto& shard : shards_) {
        const std::lock_guard lock{shard.mutex};
        total += shard.bytes;
    }
    return total;
}

std::size_t LevelOne::entries() const {
    std::size_t total = 0;
    {
        const std::lock_guard lock{large_.mutex};
        total += large_.queue.size();
    }
    for (const auto& shard : shards_) {
        const std::lock_guard lock{shard.mutex};
        total += shard.queue.size();
    }
    return total;
}

void LevelOne::Shard::clear() {
    const std::lock_guard lock{mutex};
    index.clear();
    queue.clear();
    hand = queue.end();
    bytes = 0;
}

void LevelOne::Shard::count(Entry& entry, std::size_t of_entry) {
    bytes = bytes - entry.bytes + of_entry;
    entry.bytes = of_entry;
}

void LevelOne::Shard::fit(std::size_t budget) {
    while (bytes > budget && !queue.empty()) evict_one();
}

void LevelOne::Shard::remove(Queue::iterator entry) {
    if (hand == entry) hand = entry == queue.begin() ? queue.end() : std::prev(entry);
    bytes -= entry->bytes;
    index.erase(entry->key);
    queue.erase(entry);
}

void LevelOne::Shard::evict_one() {
    // The hand walks from the oldest to the newest, spares what was visited once, and stays where it evicted.
    auto candidate = hand == queue.end() ? std::prev(queue.end()) : hand;
    while (candidate->visited) {
        candidate->visited = false;
        candidate = candidate == queue.begin() ? std::prev(queue.end()) : std::prev(candidate);
    }
    hand = candidate == queue.begin() ? queue.end() : std::prev(candidate);
    bytes -= candidate->bytes;
    index.erase(candidate->key);
    queue.erase(candidate);
}

}  // namespace sluice::cache

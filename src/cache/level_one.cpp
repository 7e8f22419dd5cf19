#include "cache/level_one.hpp"

#include <functional>

namespace sluice::cache {
namespace {

/// List node, hash node and bucket of one entry, roughly.
constexpr std::size_t entry_overhead = 128;

std::size_t cost(std::string_view key, const CachedValue& value) { return value.bytes() + 2 * key.size() + entry_overhead; }

}  // namespace

LevelOne::LevelOne(std::size_t byte_budget) : shard_budget_{byte_budget / shard_count} {}

LevelOne::Shard& LevelOne::shard_of(std::string_view key) {
    // The upper bits: the map inside the shard uses the lower ones.
    return shards_[(std::hash<std::string_view>{}(key) >> 48) % shard_count];
}

ValuePointer LevelOne::find(std::string_view key) {
    auto& shard = shard_of(key);
    const std::lock_guard lock{shard.mutex};
    const auto found = shard.index.find(key);
    if (found == shard.index.end()) return nullptr;
    found->second->visited = true;
    return found->second->value;
}

void LevelOne::put(std::string_view key, ValuePointer value) {
    auto& shard = shard_of(key);
    const std::size_t bytes = cost(key, *value);
    ValuePointer replaced;  // destroyed after the lock is released
    const std::lock_guard lock{shard.mutex};
    if (const auto found = shard.index.find(key); found != shard.index.end()) {
        auto& entry = *found->second;
        replaced = std::exchange(entry.value, std::move(value));
        shard.count(entry, bytes);
    } else {
        if (bytes > shard_budget_) return;
        shard.queue.push_front(Entry{std::string{key}, std::move(value), bytes, false});
        shard.index.emplace(shard.queue.front().key, shard.queue.begin());
        shard.bytes += bytes;
    }
    shard.fit(shard_budget_);
}

void LevelOne::count_again(std::string_view key, const ValuePointer& value) {
    auto& shard = shard_of(key);
    const std::lock_guard lock{shard.mutex};
    const auto found = shard.index.find(key);
    if (found == shard.index.end() || found->second->value != value) return;
    shard.count(*found->second, cost(key, *value));
    shard.fit(shard_budget_);
}

void LevelOne::erase(std::string_view key) {
    auto& shard = shard_of(key);
    const std::lock_guard lock{shard.mutex};
    if (const auto found = shard.index.find(key); found != shard.index.end()) shard.remove(found->second);
}

void LevelOne::clear() {
    for (auto& shard : shards_) {
        const std::lock_guard lock{shard.mutex};
        shard.index.clear();
        shard.queue.clear();
        shard.hand = shard.queue.end();
        shard.bytes = 0;
    }
}

std::size_t LevelOne::bytes() const {
    std::size_t total = 0;
    for (const auto& shard : shards_) {
        const std::lock_guard lock{shard.mutex};
        total += shard.bytes;
    }
    return total;
}

std::size_t LevelOne::entries() const {
    std::size_t total = 0;
    for (const auto& shard : shards_) {
        const std::lock_guard lock{shard.mutex};
        total += shard.queue.size();
    }
    return total;
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

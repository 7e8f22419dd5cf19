// What is remembered by key, for many threads at once: a map in shards, each under a lock, swept a little at a time.
// Hides how a key finds its shard, and how a sweep erases while it walks.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice::runtime {

template <class Entry>
class ShardedKeys {
public:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view key) const noexcept { return std::hash<std::string_view>{}(key); }
    };
    using Entries = std::unordered_map<std::string, Entry, Hash, std::equal_to<>>;

    /// Hold `mutex` for whatever else is used of it.
    struct alignas(64) Shard {
        mutable std::mutex mutex;
        Entries entries;

        /// Erases, of the next `slots` of the map's, what is idle. Called with each new key, more slots than one key can add
        /// let the sweep keep up.
        template <class Idle>
        void sweep(std::size_t slots, const Idle& idle) {
            for (std::size_t i = 0; i < slots && !entries.empty(); ++i) {
                const std::size_t slot = next_slot();
                // An erase may change the slot's iterators: start again after each.
                for (bool erased = true; erased;) {
                    erased = false;
                    for (auto it = entries.begin(slot); it != entries.end(slot); ++it) {
                        if (!idle(it->second)) continue;
                        entries.erase(it->first);
                        erased = true;
                        break;
                    }
                }
            }
        }

        /// Shows entries, on from where the sweep is, until `count` were seen or `enough` returns true.
        template <class Enough>
        void look_at(std::size_t count, const Enough& enough) {
            std::size_t seen = 0;
            for (std::size_t i = 0; i < entries.bucket_count() && seen < count; ++i) {
                const std::size_t slot = next_slot();
                for (auto it = entries.begin(slot); it != entries.end(slot); ++it, ++seen) {
                    if (enough(it->first, it->second)) return;
                }
            }
        }

    private:
        std::size_t next_slot() noexcept { return hand_++ % entries.bucket_count(); }
        std::size_t hand_ = 0;
    };

    /// At least one shard, and at least one key in each.
    ShardedKeys(std::size_t max_keys, std::size_t shards)
        : shards_(std::max<std::size_t>(1, shards)), keys_per_shard_{std::max<std::size_t>(1, max_keys / shards_.size())} {}

    Shard& shard_of(std::string_view key) noexcept {
        // The map within the shard uses the hash's low bits, so the shard is chosen by mixed high ones.
        const std::uint64_t hash = Hash{}(key)*0x9E3779B97F4A7C15u;
        return shards_[(hash >> 32) % shards_.size()];
    }
    bool full(const Shard& shard) const noexcept { return shard.entries.size() >= keys_per_shard_; }
    std::vector<Shard>& shards() noexcept { return shards_; }

    /// Keys remembered now.
    std::size_t size() const {
        std::size_t keys = 0;
        for (const auto& shard : shards_) {
            const std::lock_guard lock{shard.mutex};
            keys += shard.entries.size();
        }
        return keys;
    }

private:
    std::vector<Shard> shards_;
    std::size_t keys_per_shard_;
};

}  // namespace sluice::runtime

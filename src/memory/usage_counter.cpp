#include "memory/usage_counter.hpp"

#include <algorithm>
#include <string>

namespace sluice::memory {

void UsageCounter::count(std::string_view key, std::chrono::sys_days day, const policy::Usage& usage) {
    auto& shard = keys_.shard_of(key);
    const std::lock_guard lock{shard.mutex};
    auto found = shard.entries.find(key);
    if (found == shard.entries.end()) {
        if (keys_.full(shard)) {
            dropped_.fetch_add(1, std::memory_order_relaxed);
            return;
        }
        found = shard.entries.emplace(std::string{key}, Days{}).first;
    }
    auto& days = found->second;
    auto same = std::find_if(days.begin(), days.end(), [day](const Day& one) { return one.day == day; });
    if (same == days.end()) same = days.insert(days.end(), Day{day, {}});
    same->usage += usage;
}

std::vector<policy::KeyUsage> UsageCounter::take(std::size_t most) {
    std::vector<policy::KeyUsage> taken;
    auto& shards = keys_.shards();
    for (std::size_t i = 0; i < shards.size() && taken.size() < most; ++i) {
        auto& shard = shards[hand_.load(std::memory_order_relaxed) % shards.size()];
        const std::lock_guard lock{shard.mutex};
        while (!shard.entries.empty() && taken.size() < most) {
            auto entry = shard.entries.extract(shard.entries.begin());
            for (const auto& [day, usage] : entry.mapped()) taken.push_back({entry.key(), day, usage});
        }
        // A shard that has more is taken from first next time.
        if (shard.entries.empty()) hand_.fetch_add(1, std::memory_order_relaxed);
    }
    return taken;
}

}  // namespace sluice::memory

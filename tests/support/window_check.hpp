// Counts what was admitted in sliding windows, after the fact: the judge of the rate limits' tests. Knows nothing of leases.
#pragma once

#include "policy/lease.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace sluice::test {

/// One admission of a key.
struct WindowEntry {
    std::int64_t at = 0;  ///< nanoseconds
    std::uint64_t cost = 1;
    std::size_t process = 0;      ///< which one admitted it
    std::uint64_t instances = 0;  ///< admitted without Redis, as one of so many; 0: from Redis
};

struct WindowFindings {
    std::uint64_t tokens = 0;            ///< of all entries
    std::uint64_t fullest = 0;           ///< tokens in the fullest window
    std::uint64_t fullest_of_redis = 0;  ///< the same, of those admitted from Redis alone
    std::uint64_t over = 0;              ///< windows with more than the limit
    std::uint64_t over_of_redis = 0;     ///< the same, of those admitted from Redis alone
    std::uint64_t beyond_bound = 0;      ///< windows with more than the limit and a share for each that admitted locally
    double of_bound = 0;                 ///< the fullest window, measured by that
};

/// Looks at the window that ends with each entry: half open, so that what was admitted exactly one window ago is out. No
/// window holds more than the fullest of those.
inline WindowFindings check_windows(std::vector<WindowEntry> entries, std::uint64_t limit, std::chrono::nanoseconds window) {
    const auto earlier = [](const WindowEntry& a, const WindowEntry& b) { return a.at < b.at; };
    std::sort(entries.begin(), entries.end(), earlier);
    // Of each process the largest share it ever took: the number of instances is what it last heard.
    std::map<std::size_t, std::uint64_t> shares;
    for (const auto& entry : entries) {
        if (entry.instances == 0) continue;
        auto& share = shares[entry.process];
        share = std::max(share, policy::local_share(limit, entry.instances));
    }
    WindowFindings found;
    std::uint64_t of_redis = 0;
    std::uint64_t all = 0;
    std::map<std::size_t, std::uint64_t> local;  // tokens in the window, by process
    std::size_t oldest = 0;
    for (const auto& entry : entries) {
        found.tokens += entry.cost;
        all += entry.cost;
        (entry.instances == 0 ? of_redis : local[entry.process]) += entry.cost;
        for (; entries[oldest].at <= entry.at - window.count(); ++oldest) {
            const auto& gone = entries[oldest];
            all -= gone.cost;
            auto& count = gone.instances == 0 ? of_redis : local[gone.process];
            count -= gone.cost;
            if (gone.instances != 0 && count == 0) local.erase(gone.process);
        }
        found.fullest = std::max(found.fullest, all);
        found.fullest_of_redis = std::max(found.fullest_of_redis, of_redis);
        if (all > limit) ++found.over;
        if (of_redis > limit) ++found.over_of_redis;
        auto bound = limit;
        for (const auto& [process, tokens] : local) bound += shares[process];
        if (all > bound) ++found.beyond_bound;
        found.of_bound = std::max(found.of_bound, static_cast<double>(all) / static_cast<double>(bound));
    }
    return found;
}

}  // namespace sluice::test

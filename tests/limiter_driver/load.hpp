// The keys that limiter_driver asks for and how, in one list, so that the test which reads its logs knows them too.
#pragma once

#include "sluice/limits.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::test {

struct LoadGroup {
    enum class Pattern {
        hot,     // all the time, many times the limit
        steady,  // a third more than the limit: leases run out in the middle of their use
        bursts,  // as fast as possible, with pauses of less than a lease, of more, and of up to a window
        edge,  // all processes at once take about the limit, use the last tokens late, and are back when Redis first forgets
        cold,  // now and then any key of the group: a call to Redis for nearly each request
    };
    std::string tier;
    Pattern pattern = Pattern::hot;
    std::uint32_t keys = 1;
    std::vector<WindowLimit> limits;
    std::uint32_t most_cost = 1;  ///< half of the requests cost as much, the others 1
};

/// Keys are numbered through all groups.
inline std::vector<LoadGroup> load_groups() {
    using namespace std::chrono_literals;
    using Pattern = LoadGroup::Pattern;
    return {
        {"hot", Pattern::hot, 2, {{2'000, 1s}}},
        {"hot-10s", Pattern::hot, 1, {{10'000, 10s}}},
        {"weighted", Pattern::hot, 1, {{800, 1s}, {3'000, 10s}}, 3},
        {"steady", Pattern::steady, 2, {{500, 1s}}},
        {"bursts", Pattern::bursts, 2, {{1'000, 1s}}},
        {"edge", Pattern::edge, 3, {{1'000, 1s}}},
        {"cold", Pattern::cold, 400, {{4, 2s}}},
        {"rare", Pattern::cold, 20'000, {{4, 10s}}},
    };
}

}  // namespace sluice::test

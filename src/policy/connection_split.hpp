// How the read-only connections to a server are shared between worker threads and event loops. Pure.
#pragma once

#include <algorithm>

namespace sluice::policy {

struct ConnectionSplit {
    unsigned workers = 0;   ///< each a thread's own
    unsigned per_loop = 0;  ///< pipelined
};

/// More than so many of a loop's own gain nothing: one carries some tens of thousands of quick reads a second.
inline constexpr unsigned most_per_loop = 4;

/// Every loop gets equally many: one if at least a quarter (and one) stays with the workers, for whatever is slow; more only
/// while half stays. With too few for that, none does.
constexpr ConnectionSplit split_readers(unsigned readers, unsigned loops) noexcept {
    if (loops == 0 || readers == 0) return {readers, 0};
    const auto quarter = (readers + 3) / 4;
    const unsigned one = readers - quarter >= loops ? 1 : 0;
    const auto per_loop = std::min(most_per_loop, std::max(one, readers / 2 / loops));
    return {readers - per_loop * loops, per_loop};
}

}  // namespace sluice::policy

// When to load a value anew although its ttl has not passed: the likelier, the nearer the end and the dearer the load, so
// that of many readers one does it just in time and none meets an expired copy. Pure: the random number is passed in.
// XFetch: Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015.
#pragma once

#include "sluice/deadline.hpp"

#include <cmath>

namespace sluice::policy {

/// Beyond so many times a load's duration before the end no number decides for it.
inline constexpr int earliest_refresh = 37;

/// `remaining`: until the ttl passes. `cost`: how long the last load took. `uniform`: from (0, 1], 53 bits.
inline bool refresh_early(Duration remaining, Duration cost, double uniform) noexcept {
    if (remaining > earliest_refresh * cost) return false;
    return static_cast<double>(remaining.count()) <= -std::log(uniform) * static_cast<double>(cost.count());
}

}  // namespace sluice::policy

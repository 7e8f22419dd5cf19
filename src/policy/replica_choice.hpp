// Which replica serves a read: power of two choices (M. Mitzenmacher, IEEE TPDS 12(10), 2001) on weighted outstanding calls.
#pragma once

#include "sluice/deadline.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace sluice::policy {

/// A replica as the choice sees it.
struct Candidate {
    unsigned weight = 1;          ///< its share of the calls; 0: gets none
    std::size_t outstanding = 0;  ///< calls under way
    Duration lag{0};              ///< behind the primary; Duration::max(): not known
    bool usable = true;           ///< takes connections and its circuit breaker is not open; else it is out, always
};

/// The index of the replica that serves the next read, or nothing: the primary does.
///
/// A replica whose lag is above `max_lag` is out, but of the usable ones at most half may be out for lag (rounded down; one
/// always may): when a bulk load makes all of them lag, the least lagging half keeps serving instead of the whole read load
/// falling on the primary. So a single replica that lags is out; of two that lag, the better one serves.
///
/// Two different replicas are drawn in proportion to their weights, and the one with fewer outstanding calls per weight
/// serves; on a tie the first drawn, so that weights hold on an idle system too. `random` is uniform over all 64 bits.
/// The sum of the weights must be below 2^32.
std::optional<std::size_t> choose_replica(std::span<const Candidate> candidates, Duration max_lag, std::uint64_t random);

}  // namespace sluice::policy

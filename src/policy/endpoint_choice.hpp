// Which endpoint of a service gets the next request: power of two choices (M. Mitzenmacher, IEEE TPDS 12(10), 2001) on
// weighted outstanding requests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace sluice::policy {

/// An endpoint as the choice sees it.
struct EndpointCandidate {
    unsigned weight = 1;          ///< its share of the requests; 0: gets none
    std::size_t outstanding = 0;  ///< requests under way
    bool usable = true;           ///< has an address, and is neither ejected nor found to be ill
    bool tried = false;           ///< has failed this very request: it is out
    bool reachable = true;        ///< has an address: else it is out, always
};

/// The index of the endpoint for the next request. Those that are usable and not tried come first; without one of them,
/// those that are reachable and not tried, since health may be judged wrongly and somebody has to be asked; nothing: all
/// that can be reached have been tried. Two different ones are drawn in proportion to their weights, and the one with fewer
/// outstanding requests per weight is it. `random` is uniform over all 64 bits. The sum of weights must be below 2^32.
std::optional<std::size_t> choose_endpoint(std::span<const EndpointCandidate> candidates, std::uint64_t random);

}  // namespace sluice::policy

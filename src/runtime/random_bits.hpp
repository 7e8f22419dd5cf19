// Randomness that need not be secret: jitter, choices among equals.
#pragma once

#include <cstdint>
#include <random>

namespace sluice::runtime {

/// From a generator of the calling thread's own.
inline std::uint64_t random_bits() {
    thread_local std::mt19937_64 generator{std::random_device{}()};
    return generator();
}

}  // namespace sluice::runtime

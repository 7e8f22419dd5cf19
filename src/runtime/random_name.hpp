// Names that nothing else has.
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace sluice::runtime {

/// 128 random bits in hex. Unique, not secret.
inline std::string random_name() {
    std::random_device device;
    std::string name;
    for (int i = 0; i < 4; ++i) {
        for (std::uint32_t bits = device(), k = 0; k < 8; ++k, bits >>= 4) name += "0123456789abcdef"[bits & 15];
    }
    return name;
}

}  // namespace sluice::runtime

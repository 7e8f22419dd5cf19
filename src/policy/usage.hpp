// What the holders of API keys used: what an answer counts as, and sums of it. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace sluice::policy {

struct Usage {
    std::uint64_t requests = 0;    ///< all of them
    std::uint64_t errors = 0;      ///< of these, answered 4xx or 5xx, rejections apart
    std::uint64_t bytes = 0;       ///< of the answers' bodies
    std::uint64_t rejections = 0;  ///< of the requests, answered 429: beyond a limit

    Usage& operator+=(const Usage& other) noexcept {
        requests += other.requests;
        errors += other.errors;
        bytes += other.bytes;
        rejections += other.rejections;
        return *this;
    }
    friend bool operator==(const Usage&, const Usage&) = default;
};

/// One answer.
constexpr Usage usage_of(unsigned status, std::size_t body_bytes) noexcept {
    const bool rejected = status == 429;
    return {1, status >= 400 && !rejected ? 1U : 0U, body_bytes, rejected ? 1U : 0U};
}

/// What one key used on one day (UTC).
struct KeyUsage {
    std::string key;  ///< its id
    std::chrono::sys_days day{};
    Usage usage;

    friend bool operator==(const KeyUsage&, const KeyUsage&) = default;
};

}  // namespace sluice::policy

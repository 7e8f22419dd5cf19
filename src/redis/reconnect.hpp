// When to try to connect to Redis again: soon, so that a server that came back is found within half a second, and with
// jitter, so that a thousand connections do not come at once.
#pragma once

#include "policy/backoff.hpp"
#include "sluice/deadline.hpp"

#include <chrono>
#include <random>

namespace sluice::redis {

/// The longest that connecting and logging in may take.
inline constexpr Duration connect_patience = std::chrono::seconds{1};

class Reconnect {
public:
    Duration next_wait() { return backoff_.next(random_()); }
    /// A session ended. A server that drops us as soon as it has let us in is not asked more often than one that is away.
    void ended(Duration lasted) noexcept {
        if (lasted >= lasting) backoff_.reset();
    }

private:
    static constexpr Duration lasting = std::chrono::seconds{1};
    policy::Backoff backoff_{{.shortest = std::chrono::milliseconds{10}, .longest = std::chrono::milliseconds{500}}};
    std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace sluice::redis

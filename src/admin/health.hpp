// The health endpoints of the admin listener, and the state they tell.
#pragma once

#include "sluice/handler.hpp"

#include <atomic>
#include <functional>
#include <string>
#include <vector>

namespace sluice::admin {

enum class Phase {
    starting,  // not ready yet
    serving,   // ready
    draining,  // not ready any more; requests in flight are finished
};

/// How a dependency is.
struct DependencyHealth {
    std::string name;
    bool healthy = true;
    std::string state;  ///< one word for people: ok, unreachable, lagging, breaker open
};

class Health {
public:
    /// `turning`: whether all loops turn. `dependencies`: asked at each readiness request.
    Health(std::function<bool()> turning, std::function<std::vector<DependencyHealth>()> dependencies)
        : turning_{std::move(turning)}, dependencies_{std::move(dependencies)} {}

    void enter(Phase phase) noexcept { phase_.store(phase, std::memory_order_relaxed); }

    /// 200 while the loops turn, else 503.
    Handler live() const;
    /// 200 while serving, also degraded, with JSON that lists what is; 503 when starting or draining.
    Handler ready() const;

private:
    std::function<bool()> turning_;
    std::function<std::vector<DependencyHealth>()> dependencies_;
    std::atomic<Phase> phase_{Phase::starting};
};

}  // namespace sluice::admin

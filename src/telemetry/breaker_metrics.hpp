// What metrics and log tell of one circuit breaker.
#pragma once

#include "policy/circuit_breaker.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

#include <string>
#include <string_view>

namespace sluice::telemetry {

/// Its state and how often it came to each. All series are visible from the start. Any thread; `metrics` outlives it.
class BreakerMetrics {
public:
    BreakerMetrics(Metrics& metrics, std::string_view dependency)
        : dependency_{dependency},
          closed_{metrics.breaker_transitions(dependency, to_string(State::closed))},
          open_{metrics.breaker_transitions(dependency, to_string(State::open))},
          half_open_{metrics.breaker_transitions(dependency, to_string(State::half_open))},
          state_{metrics.breaker_state(dependency)} {
        show(State::closed);
    }

    /// It came to that state: counts it, and logs it with the reason if there is one. Does not show it: of two transitions
    /// the last one told need not be the last one made.
    void tell(policy::CircuitBreaker::State to, std::string_view reason = {}) const {
        (to == State::closed ? closed_ : to == State::open ? open_ : half_open_).add();
        const auto level = to == State::open ? log::Level::warning : log::Level::info;
        if (reason.empty()) return log::write(level, "breaker", {{"dependency", dependency_}, {"state", to_string(to)}});
        log::write(level, "breaker", {{"dependency", dependency_}, {"state", to_string(to)}, {"reason", reason}});
    }
    void show(policy::CircuitBreaker::State state) const noexcept {
        state_.set(state == State::closed ? 0 : state == State::open ? 1 : 2);
    }

private:
    using State = policy::CircuitBreaker::State;
    const std::string dependency_;
    const Counter closed_, open_, half_open_;
    const Gauge state_;
};

}  // namespace sluice::telemetry

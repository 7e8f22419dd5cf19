#include "policy/circuit_breaker.hpp"

#include <algorithm>
#include <stdexcept>

namespace sluice::policy {

CircuitBreaker::Permit& CircuitBreaker::Permit::operator=(Permit&& other) noexcept {
    if (this != &other) {
        Permit dropped{std::move(*this)};  // whatever it stood for has failed
        breaker_ = std::exchange(other.breaker_, nullptr);
        generation_ = other.generation_;
    }
    return *this;
}

CircuitBreaker::Permit::~Permit() {
    if (breaker_ != nullptr) breaker_->settle(generation_, Outcome::failure, std::nullopt);
}

void CircuitBreaker::Permit::succeed() noexcept {
    if (auto* breaker = std::exchange(breaker_, nullptr)) breaker->settle(generation_, Outcome::success, std::nullopt);
}

void CircuitBreaker::Permit::fail(TimePoint now) noexcept {
    if (auto* breaker = std::exchange(breaker_, nullptr)) breaker->settle(generation_, Outcome::failure, now);
}

void CircuitBreaker::Permit::abandon() noexcept {
    if (auto* breaker = std::exchange(breaker_, nullptr)) breaker->settle(generation_, Outcome::abandoned, std::nullopt);
}

CircuitBreaker::CircuitBreaker(Settings settings, Listener on_transition)
    : settings_{settings}, on_transition_{std::move(on_transition)} {
    if (settings_.failures == 0) throw std::invalid_argument{"a circuit breaker needs at least 1 failure to open"};
    if (settings_.probes == 0) throw std::invalid_argument{"a circuit breaker needs at least 1 probe to close"};
    if (settings_.reset < Duration::zero()) throw std::invalid_argument{"a circuit breaker's reset time is negative"};
}

std::optional<CircuitBreaker::Permit> CircuitBreaker::try_acquire(TimePoint now) {
    bool became_half_open = false;
    std::uint64_t generation = 0;
    {
        std::lock_guard lock{mutex_};
        latest_ = std::max(latest_, now);
        if (state_ == State::open) {
            if (latest_ - opened_at_ < settings_.reset) return std::nullopt;
            change(State::half_open);
            became_half_open = true;
        }
        if (state_ == State::half_open) {
            if (probing_ >= settings_.probes) return std::nullopt;
            ++probing_;
        }
        generation = generation_;
    }
    // The permit exists before the listener runs, so that its place is never lost.
    std::optional<Permit> permit{Permit{*this, generation}};
    if (became_half_open && on_transition_) on_transition_(State::half_open);
    return permit;
}

void CircuitBreaker::probe_now(TimePoint now) {
    {
        const std::lock_guard lock{mutex_};
        latest_ = std::max(latest_, now);
        if (state_ != State::open) return;
        change(State::half_open);
    }
    if (on_transition_) on_transition_(State::half_open);
}

CircuitBreaker::State CircuitBreaker::state(TimePoint now) const {
    std::lock_guard lock{mutex_};
    if (state_ == State::open && std::max(latest_, now) - opened_at_ >= settings_.reset) return State::half_open;
    return state_;
}

Duration CircuitBreaker::retry_after(TimePoint now) const {
    std::lock_guard lock{mutex_};
    if (state_ != State::open) return Duration::zero();
    return std::max(Duration::zero(), settings_.reset - (std::max(latest_, now) - opened_at_));
}

void CircuitBreaker::settle(std::uint64_t generation, Outcome outcome, std::optional<TimePoint> now) noexcept {
    std::optional<State> to;
    {
        std::lock_guard lock{mutex_};
        if (now) latest_ = std::max(latest_, *now);
        if (generation != generation_) return;  // the question it would have answered was decided without it
        if (state_ == State::closed) {
            if (outcome == Outcome::success && failures_ > 0) --failures_;
            if (outcome == Outcome::failure && ++failures_ >= settings_.failures) to = State::open;
        } else {  // half-open: an open breaker has given out no permit of its generation
            --probing_;
            if (outcome == Outcome::success && ++successes_ >= settings_.probes) to = State::closed;
            if (outcome == Outcome::failure) to = State::open;
        }
        if (to) change(*to);
    }
    if (to && on_transition_) on_transition_(*to);
}

void CircuitBreaker::change(State to) noexcept {
    state_ = to;
    ++generation_;
    failures_ = 0;
    probing_ = 0;
    successes_ = 0;
    if (to == State::open) opened_at_ = latest_;
}

}  // namespace sluice::policy

#include "policy/circuit_breaker.hpp"

#include <algorithm>
#include <stdexcept>

namespace sluice::policy {

CircuitBreaker::Permit& CircuitBreaker::Permit::operator=(Permit&& other) noexcept {
    if (this != &other) {
        Permit dropped{std::move(*this)};  // whatever it stood for has failed
        breaker_ = std::exchange(other.breaker_, nullptr);
        generation_ = other.generation_;
        began_ = other.began_;
    }
    return *this;
}

CircuitBreaker::Permit::~Permit() {
    if (breaker_ != nullptr) breaker_->settle({generation_, Outcome::failure, began_, std::nullopt});
}

void CircuitBreaker::Permit::succeed() noexcept {
    if (auto* breaker = std::exchange(breaker_, nullptr))
        breaker->settle({generation_, Outcome::success, began_, std::nullopt});
}

void CircuitBreaker::Permit::succeed(TimePoint now) noexcept {
    if (auto* breaker = std::exchange(breaker_, nullptr)) breaker->settle({generation_, Outcome::success, began_, now});
}

void CircuitBreaker::Permit::fail(TimePoint now) noexcept {
    if (auto* breaker = std::exchange(breaker_, nullptr)) breaker->settle({generation_, Outcome::failure, began_, now});
}

void CircuitBreaker::Permit::abandon() noexcept {
    if (auto* breaker = std::exchange(breaker_, nullptr))
        breaker->settle({generation_, Outcome::abandoned, began_, std::nullopt});
}

CircuitBreaker::CircuitBreaker(Settings settings, Listener on_transition)
    : settings_{settings}, on_transition_{std::move(on_transition)} {
    if (settings_.failures == 0) throw std::invalid_argument{"a circuit breaker needs at least 1 failure to open"};
    if (settings_.probes == 0) throw std::invalid_argument{"a circuit breaker needs at least 1 probe to close"};
    if (settings_.reset < Duration::zero()) throw std::invalid_argument{"a circuit breaker's reset time is negative"};
    if (settings_.longest_reset == 0) throw std::invalid_argument{"a circuit breaker's longest reset is 0 times its reset"};
    if (settings_.rate && settings_.rate->calls == 0) throw std::invalid_argument{"a rate of 0 calls says nothing"};
    if (settings_.rate) rate_.emplace(*settings_.rate);
}

std::optional<CircuitBreaker::Permit> CircuitBreaker::try_acquire(TimePoint now) {
    bool became_half_open = false;
    std::uint64_t generation = 0;
    TimePoint began;
    {
        std::lock_guard lock{mutex_};
        latest_ = std::max(latest_, now);
        began = latest_;
        if (state_ == State::open) {
            if (latest_ - opened_at_ < open_for_) return std::nullopt;
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
    std::optional<Permit> permit{Permit{*this, generation, began}};
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
    if (state_ == State::open && std::max(latest_, now) - opened_at_ >= open_for_) return State::half_open;
    return state_;
}

Duration CircuitBreaker::retry_after(TimePoint now) const {
    std::lock_guard lock{mutex_};
    if (state_ != State::open) return Duration::zero();
    return std::max(Duration::zero(), open_for_ - (std::max(latest_, now) - opened_at_));
}

CircuitBreaker::Reason CircuitBreaker::reason() const {
    const std::lock_guard lock{mutex_};
    return reason_;
}

void CircuitBreaker::settle(const Settled& call) noexcept {
    std::optional<State> to;
    {
        const std::lock_guard lock{mutex_};
        if (call.now) latest_ = std::max(latest_, *call.now);
        if (call.generation != generation_) return;  // the question it would have answered was decided without it
        if (state_ == State::half_open) --probing_;  // an open breaker has given out no permit of its generation
        if (call.outcome == Outcome::abandoned) return;
        if (const auto reason = judge(call)) {
            open(*reason);
            to = State::open;
        } else if (state_ == State::half_open && successes_ >= settings_.probes) {
            change(State::closed);
            times_reset_ = 1;
            to = State::closed;
        }
    }
    if (to && on_transition_) on_transition_(*to);
}

// Counts the call, and says what opens the breaker now, if anything does.
std::optional<CircuitBreaker::Reason> CircuitBreaker::judge(const Settled& call) noexcept {
    const bool failed = call.outcome == Outcome::failure;
    const bool slow = rate_ && rate_->is_slow(latest_ - call.began);
    if (state_ == State::half_open) {
        if (failed || slow) return Reason::probe;
        ++successes_;
        return std::nullopt;
    }
    if (rate_) {
        switch (rate_->count(latest_, failed, slow)) {
            case FailureRate::Verdict::well:
                return std::nullopt;
            case FailureRate::Verdict::failing:
                return Reason::rate;
            case FailureRate::Verdict::slow:
                return Reason::slow;
        }
    }
    if (!failed && failures_ > 0) --failures_;
    if (failed && ++failures_ >= settings_.failures) return Reason::failures;
    return std::nullopt;
}

void CircuitBreaker::open(Reason reason) noexcept {
    times_reset_ = reason == Reason::probe ? std::min(times_reset_ * 2, settings_.longest_reset) : 1;
    open_for_ = settings_.reset * times_reset_;
    if (settings_.random != nullptr) {
        const auto tenth = static_cast<std::uint64_t>((open_for_ / 10).count());
        open_for_ += Duration{static_cast<Duration::rep>(settings_.random() % (2 * tenth + 1))} - open_for_ / 10;
    }
    reason_ = reason;
    change(State::open);
}

void CircuitBreaker::change(State to) noexcept {
    state_ = to;
    ++generation_;
    failures_ = 0;
    probing_ = 0;
    successes_ = 0;
    if (rate_) rate_->clear();
    if (to == State::open) opened_at_ = latest_;
}

}  // namespace sluice::policy

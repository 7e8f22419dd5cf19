// When to stop calling a dependency that fails, and when to try it again. Hides the counting; knows no clock and no I/O.
// The pattern is M. Nygard's, "Release It!", 2nd edition, section 5.2.
#pragma once

#include "policy/failure_rate.hpp"
#include "sluice/deadline.hpp"

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

namespace sluice::policy {

/// One per dependency; any thread. Closed, it counts: a failure adds one, a success takes one off, and at `failures` it
/// opens. With `rate` it opens by the share of the last seconds' calls that failed or were slow instead. Open, it refuses
/// for `reset`. Then it is half-open: at most `probes` calls at once; that many successes close it, one failure opens it
/// again, for twice as long if `longest_reset` allows.
///
///     auto permit = breaker.try_acquire(now);
///     if (!permit) return unavailable(breaker.retry_after(now));
///     Rows rows = co_await load();  // throws: the permit is dropped, which is a failure
///     permit->succeed();
///
/// 4xx answers and our own refusals are no failures. What costs: one uncontended lock per call of a member, no allocation.
class CircuitBreaker {
public:
    enum class State {
        closed,     // every call is admitted
        open,       // no call is admitted until `reset` has passed
        half_open,  // a few calls find out whether the dependency is back
    };

    struct Settings {
        unsigned failures = 5;                      ///< opens at that many, successes taken off; at least 1
        Duration reset = std::chrono::seconds{30};  ///< how long it stays open
        unsigned probes = 3;  ///< calls at once while half-open, and successes that close it; at least 1
        std::optional<FailureRate::Settings> rate = std::nullopt;  ///< takes the place of `failures`
        unsigned longest_reset = 1;                                ///< times `reset`; at least 1
        std::uint64_t (*random)() =
            nullptr;  ///< all 64 bits uniform, any thread: open times vary by 10 %; null: they do not
    };

    /// What opened it.
    enum class Reason {
        none,      // it never was open
        failures,  // so many in a row, successes taken off
        rate,      // too large a share of the calls failed
        slow,      // too large a share of the calls took too long
        probe,     // the dependency was not back yet
    };

    /// Told of every transition, on the thread that caused it and outside the lock, so it may ask the breaker. Must not
    /// throw. Transitions of two threads may be told in either order: count with it, but read a gauge from `state`.
    using Listener = std::function<void(State to)>;

    /// The right to make one call, and the duty to say how it went. Dropped without a word, it counts as a failure, at the
    /// latest moment the breaker has been told of (a destructor knows no time; at worst the breaker then opens for less
    /// than `reset` by the duration of that call). One of an earlier generation, that is from before the breaker last
    /// changed its state, changes nothing. The breaker must outlive it. Not to be used by two threads at once.
    class Permit {
    public:
        Permit(Permit&& other) noexcept
            : breaker_{std::exchange(other.breaker_, nullptr)}, generation_{other.generation_}, began_{other.began_} {}
        Permit& operator=(Permit&& other) noexcept;
        ~Permit();

        /// The dependency did its work, or refused ours for a good reason.
        void succeed() noexcept;
        /// The same where it matters how long it took: the rate rule counts slow calls.
        void succeed(TimePoint now) noexcept;
        /// It did not, and `now` is when we knew: the breaker's open time is counted from then.
        void fail(TimePoint now) noexcept;
        /// The call says nothing about the dependency, e.g. because the client went away. Gives a probe's place back.
        void abandon() noexcept;

    private:
        friend class CircuitBreaker;
        Permit(CircuitBreaker& breaker, std::uint64_t generation, TimePoint began) noexcept
            : breaker_{&breaker}, generation_{generation}, began_{began} {}
        CircuitBreaker* breaker_;  // null once it was said how the call went
        std::uint64_t generation_;
        TimePoint began_;
    };

    CircuitBreaker() : CircuitBreaker{Settings{}} {}
    /// Throws std::invalid_argument if `failures` or `probes` is 0 or `reset` is negative.
    explicit CircuitBreaker(Settings settings, Listener on_transition = {});
    CircuitBreaker(const CircuitBreaker&) = delete;
    CircuitBreaker& operator=(const CircuitBreaker&) = delete;

    /// A permit for one call starting now, or nothing: do not call. A `now` earlier than one seen before counts as that one.
    std::optional<Permit> try_acquire(TimePoint now);

    /// Somebody else has seen the dependency come back: an open breaker becomes half-open at once, so that the probes decide
    /// and not the rest of `reset`. In any other state it changes nothing.
    void probe_now(TimePoint now);

    /// The state at `now`. Changes nothing: an open breaker whose `reset` has passed is half-open here, but the listener
    /// hears of it with the first `try_acquire`.
    State state(TimePoint now) const;

    /// How long a refused caller should wait: while open, until `reset` has passed; else zero.
    Duration retry_after(TimePoint now) const;

    /// What opened it last.
    Reason reason() const;

private:
    enum class Outcome { success, failure, abandoned };
    struct Settled {
        std::uint64_t generation;
        Outcome outcome;
        TimePoint began;
        std::optional<TimePoint> now;
    };
    void settle(const Settled& call) noexcept;
    std::optional<Reason> judge(const Settled& call) noexcept;
    void open(Reason reason) noexcept;
    void change(State to) noexcept;

    const Settings settings_;
    const Listener on_transition_;
    mutable std::mutex mutex_;  // guards what follows
    State state_ = State::closed;
    std::uint64_t generation_ = 0;  // counts the transitions
    unsigned failures_ = 0;         // closed: failures less successes
    unsigned probing_ = 0;          // half-open: calls under way
    unsigned successes_ = 0;        // half-open: calls that went well
    std::optional<FailureRate> rate_;
    Reason reason_ = Reason::none;
    unsigned times_reset_ = 1;  // how often `reset` the next open time lasts
    Duration open_for_{};
    TimePoint opened_at_{};
    TimePoint latest_ = TimePoint::min();  // the latest moment we were told of
};

/// As metrics and log call it.
constexpr std::string_view to_string(CircuitBreaker::State state) noexcept {
    switch (state) {
        case CircuitBreaker::State::closed:
            return "closed";
        case CircuitBreaker::State::open:
            return "open";
        case CircuitBreaker::State::half_open:
            return "half_open";
    }
    return "";
}

/// As log and health call it.
constexpr std::string_view to_string(CircuitBreaker::Reason reason) noexcept {
    switch (reason) {
        case CircuitBreaker::Reason::none:
            return "";
        case CircuitBreaker::Reason::failures:
            return "calls fail";
        case CircuitBreaker::Reason::rate:
            return "too many calls fail";
        case CircuitBreaker::Reason::slow:
            return "too many calls are slow";
        case CircuitBreaker::Reason::probe:
            return "a trial call failed";
    }
    return "";
}

}  // namespace sluice::policy

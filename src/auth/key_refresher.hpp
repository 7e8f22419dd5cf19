// Keeps a verifier's keys current: fetches the key set on a thread of its own, at an interval and when a token names a key
// that is not there. Hides the thread, the schedule and the circuit breaker; what fetching means is the caller's.
#pragma once

#include "auth/key_set.hpp"
#include "auth/token_verifier.hpp"
#include "policy/circuit_breaker.hpp"
#include "policy/refresh_schedule.hpp"
#include "telemetry/breaker_metrics.hpp"
#include "telemetry/metrics.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <variant>

namespace sluice::auth {

/// The last good set is kept whatever happens. It logs changes only.
class KeyRefresher {
public:
    struct Unchanged {};  ///< as it was when last fetched
    struct Failed {
        std::string reason;
    };
    /// The text of a key set, or one of the others. Called on the thread; may block until the stop request.
    using Fetched = std::variant<std::string, Unchanged, Failed>;
    using Fetch = std::function<Fetched(const std::stop_token&)>;

    struct Settings {
        std::string dependency = "jwks";  ///< its name in health, metrics and log
        std::string source;               ///< for the log: the file, or the address without its query
        KeySetOrigin origin = KeySetOrigin::fetched;
        policy::RefreshSchedule::Settings schedule;
        Duration patience = std::chrono::seconds{2};  ///< how long `start` waits for the first attempt
    };

    /// `verifier` and `metrics` outlive it.
    KeyRefresher(Settings settings, Fetch fetch, TokenVerifier& verifier, telemetry::Metrics& metrics);
    /// Stops first if needed.
    ~KeyRefresher();
    KeyRefresher(const KeyRefresher&) = delete;
    KeyRefresher& operator=(const KeyRefresher&) = delete;

    /// Begins, and returns when the first attempt has ended or `patience` has passed.
    void start();
    /// The two halves of it, for several that begin side by side.
    void begin();
    void wait_for_first_attempt();
    void stop();

    /// A token names a key that is not in the set: look for it soon. From any thread, never waits for the fetching.
    void key_missing();

    /// `ok`, `unavailable` (the last attempt failed; the keys, if any, are older) or `breaker open`.
    std::string state() const;

private:
    void run(const std::stop_token& stop);
    void attempt(const std::stop_token& stop);
    std::optional<std::string> fetch_and_replace(const std::stop_token& stop);
    void report(const std::optional<std::string>& problem);
    void on_transition(policy::CircuitBreaker::State to);

    const Settings settings_;
    const Fetch fetch_;
    TokenVerifier& verifier_;
    const telemetry::BreakerMetrics breaker_metrics_;
    policy::CircuitBreaker breaker_;
    std::string last_text_;    // the thread's
    std::minstd_rand random_;  // the thread's

    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable_any wake_;
    std::condition_variable_any attempted_;
    policy::RefreshSchedule schedule_;
    std::optional<std::string> problem_;  // of the last attempt
    bool first_done_ = false;

    std::jthread thread_;  // last: uses everything above
};

}  // namespace sluice::auth

#include "auth/key_refresher.hpp"

#include "telemetry/log.hpp"

namespace sluice::auth {
namespace {

using State = policy::CircuitBreaker::State;
using namespace std::chrono_literals;

/// One probe closes it: with more, the breaker would stay half-open for as many intervals.
constexpr policy::CircuitBreaker::Settings breaker_settings{.failures = 5, .reset = 30s, .probes = 1};

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines) text += (text.empty() ? "" : "; ") + line;
    return text;
}

}  // namespace

KeyRefresher::KeyRefresher(Settings settings, Fetch fetch, TokenVerifier& verifier, telemetry::Metrics& metrics)
    : settings_{std::move(settings)},
      fetch_{std::move(fetch)},
      verifier_{verifier},
      breaker_metrics_{metrics, settings_.dependency},
      breaker_{breaker_settings, [this](State to) { on_transition(to); }},
      random_{std::random_device{}()},
      schedule_{settings_.schedule, Clock::now()} {}

KeyRefresher::~KeyRefresher() { stop(); }

void KeyRefresher::start() {
    begin();
    wait_for_first_attempt();
}

void KeyRefresher::begin() {
    thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
}

void KeyRefresher::wait_for_first_attempt() {
    std::unique_lock lock{mutex_};
    attempted_.wait_for(lock, settings_.patience, [this] { return first_done_; });
}

void KeyRefresher::stop() {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    thread_.join();
}

void KeyRefresher::key_missing() {
    const std::lock_guard lock{mutex_};
    if (schedule_.ask(Clock::now())) wake_.notify_one();
}

std::string KeyRefresher::state() const {
    if (breaker_.state(Clock::now()) == State::open) return "breaker open";
    const std::lock_guard lock{mutex_};
    return problem_ || !first_done_ ? "unavailable" : "ok";
}

void KeyRefresher::run(const std::stop_token& stop) {
    std::unique_lock lock{mutex_};
    while (!stop.stop_requested()) {
        if (Clock::now() < schedule_.due()) {
            // By a wake-up the time may have become another one.
            const auto due = schedule_.due();
            wake_.wait_until(lock, stop, due, [&] { return schedule_.due() < due; });
            continue;
        }
        lock.unlock();
        attempt(stop);
        lock.lock();
    }
}

void KeyRefresher::attempt(const std::stop_token& stop) {
    auto permit = breaker_.try_acquire(Clock::now());
    if (!permit) {
        const std::lock_guard lock{mutex_};
        schedule_.failed(Clock::now(), random_(), breaker_.retry_after(Clock::now()));
        return;
    }
    auto problem = fetch_and_replace(stop);
    const auto now = Clock::now();
    if (stop.stop_requested()) return permit->abandon();
    if (problem)
        permit->fail(now);
    else
        permit->succeed();
    report(problem);
    const std::lock_guard lock{mutex_};
    if (problem)
        schedule_.failed(now, random_() * std::uint64_t{random_()}, breaker_.retry_after(now));
    else
        schedule_.succeeded(now);
    problem_ = std::move(problem);
    first_done_ = true;
    attempted_.notify_all();
}

/// Nothing if all went well, else why not.
std::optional<std::string> KeyRefresher::fetch_and_replace(const std::stop_token& stop) {
    Fetched fetched;
    try {
        fetched = fetch_(stop);
    } catch (const std::exception& error) {
        return error.what();
    }
    if (auto* failed = std::get_if<Failed>(&fetched)) return std::move(failed->reason);
    auto* text = std::get_if<std::string>(&fetched);
    if (!text || (verifier_.has_keys() && *text == last_text_)) return std::nullopt;
    auto keys = KeySet::parse(*text, settings_.origin);
    if (!keys) return keys.error();
    log::info("jwks_loaded",
              {{"source", settings_.source}, {"keys", keys->keys().size()}, {"left_out", joined(keys->left_out())}});
    verifier_.replace(std::move(*keys));
    last_text_ = std::move(*text);
    return std::nullopt;
}

void KeyRefresher::report(const std::optional<std::string>& problem) {
    const std::lock_guard lock{mutex_};
    if (problem == problem_) return;
    if (problem)
        log::warning("jwks_unavailable",
                     {{"source", settings_.source}, {"problem", *problem}, {"older_keys_in_use", verifier_.has_keys()}});
    else
        log::info("jwks_available", {{"source", settings_.source}});
}

void KeyRefresher::on_transition(State to) {
    breaker_metrics_.tell(to);
    breaker_metrics_.show(to);
}

}  // namespace sluice::auth

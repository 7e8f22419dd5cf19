#include "app/stop_signal.hpp"

#include "telemetry/log.hpp"

#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <string_view>
#include <thread>

namespace sluice::app {
namespace {

using Clock = std::chrono::steady_clock;

/// For the last lines of the log, when the process ends without a stop.
constexpr std::chrono::milliseconds last_patience{200};

struct Ignored {
    int number;
    std::string_view name;
    std::string_view note;
};

constexpr std::array<Ignored, 4> ignored{{
    {SIGHUP, "SIGHUP", "the configuration is not read anew: restart the process to apply changes"},
    {SIGUSR1, "SIGUSR1", "it has no meaning here"},
    {SIGUSR2, "SIGUSR2", "it has no meaning here"},
    {SIGPIPE, "SIGPIPE", "it has no meaning here"},
}};

::sigset_t waited_for() {
    ::sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGTERM);
    ::sigaddset(&signals, SIGINT);
    for (const auto& one : ignored) ::sigaddset(&signals, one.number);
    return signals;
}

/// The next of them; 0: the time is over.
int next_signal(Clock::time_point until) {
    const auto signals = waited_for();
    for (;;) {
        int signal = 0;
        if (until == Clock::time_point::max()) {
            if (::sigwait(&signals, &signal) == 0) return signal;
            continue;
        }
        const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(until - Clock::now()).count();
        if (left <= 0) return 0;
        const ::timespec time{left / 1'000'000'000, left % 1'000'000'000};
        signal = ::sigtimedwait(&signals, nullptr, &time);
        if (signal > 0) return signal;
    }
}

bool is_ignored(int signal) {
    for (const auto& one : ignored) {
        if (one.number != signal) continue;
        log::warning("signal_ignored", {{"signal", one.name}, {"note", one.note}});
        return true;
    }
    return false;
}

}  // namespace

struct StopSignal::State {
    explicit State(std::chrono::milliseconds the_longest) : longest{the_longest} {}

    void run() {
        int signal = next_signal(Clock::time_point::max());
        while (is_ignored(signal)) signal = next_signal(Clock::time_point::max());
        log::info("signal_received", {{"signal", signal}, {"detail", "stopping; a second one ends the process at once"}});
        const auto end = Clock::now() + longest;
        {
            const std::lock_guard lock{mutex};
            if (!serves) {  // nobody has been answered yet
                log::stop(last_patience, 2 * last_patience);
                std::_Exit(0);
            }
            stopping = true;
        }
        changed.notify_all();
        do signal = next_signal(end);
        while (is_ignored(signal));
        if (signal != 0) std::_Exit(128 + signal);
        log::error("abandoned", {{"detail", "what is not over by now ends with the process"}});
        log::stop(last_patience, 2 * last_patience);
        std::_Exit(0);
    }

    const std::chrono::milliseconds longest;
    std::mutex mutex;  // guards what follows
    std::condition_variable changed;
    bool serves = false;
    bool stopping = false;
};

void block_signals() {
    const auto signals = waited_for();
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGXFSZ, SIG_IGN);  // a log file that may not grow is no reason to end
}

StopSignal::StopSignal(std::chrono::milliseconds longest) : state_{std::make_shared<State>(longest)} {
    std::thread{[state = state_] { state->run(); }}.detach();
}

void StopSignal::serving() {
    const std::lock_guard lock{state_->mutex};
    state_->serves = true;
}

void StopSignal::wait() {
    std::unique_lock lock{state_->mutex};
    state_->changed.wait(lock, [this] { return state_->stopping; });
}

}  // namespace sluice::app

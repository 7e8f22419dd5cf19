// The signals that a serving process gets, and the last word about its end. Hides the thread that waits for them.
#pragma once

#include <chrono>
#include <memory>

namespace sluice::app {

/// Keeps SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2 and SIGPIPE from ending the process. Before any thread is made, so that
/// all inherit it.
void block_signals();

/// Waits for SIGTERM or SIGINT; the others are logged and ignored. A second one ends the process at once, and so does one
/// that comes before it serves. Whatever else takes longer than `longest` after the first is abandoned with the process,
/// whose exit code is 0: a statement of the admin API, for one, has half a minute.
class StopSignal {
public:
    explicit StopSignal(std::chrono::milliseconds longest);
    StopSignal(const StopSignal&) = delete;
    StopSignal& operator=(const StopSignal&) = delete;

    /// From now on there is something to stop. Does not return if the signal was there before.
    void serving();
    void wait();

private:
    struct State;
    const std::shared_ptr<State> state_;  // shared with the thread, which goes with the process
};

}  // namespace sluice::app

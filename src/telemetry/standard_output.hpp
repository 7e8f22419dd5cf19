// Standard output as the log writes it: a reader that does not read holds nobody up for longer than is said here. Hides what
// kind of file it is.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <string_view>
#include <utility>

namespace sluice::log {

class StandardOutput {
public:
    using Clock = std::chrono::steady_clock;

    /// The process's own. It is never closed.
    static StandardOutput& get();
    explicit StandardOutput(int descriptor);

    bool is_terminal() const noexcept;
    /// Waits for whoever reads, until `due` or for as long as `hurry` says; false: not all was written. What nobody can read
    /// any more counts as written. From one thread at a time, or lines mix.
    bool write(std::string_view text, Clock::time_point due = Clock::time_point::max()) noexcept;
    /// From now on a write waits no longer for a reader that takes nothing, also one that is under way. From any thread.
    void hurry(std::chrono::milliseconds patience) noexcept {
        patience_ = patience;
        hurried_ = Clock::now();
    }
    void take_time() noexcept { hurried_ = Clock::time_point::max(); }

private:
    /// The number of the descriptor may have been given to another file since.
    int descriptor() const noexcept;

    const int given_;       // for questions
    const int descriptor_;  // for writing: does not block where that can be had without changing it for other processes
    const bool is_socket_;
    const std::pair<::dev_t, ::ino_t> file_;
    std::atomic<bool> broken_{false};  // nobody can read it any more
    std::atomic<std::chrono::milliseconds> patience_{};
    std::atomic<Clock::time_point> hurried_{Clock::time_point::max()};  // since then; else there is time
};

}  // namespace sluice::log

// The way out of a blocking call that never returns: another thread shuts its socket down. Hides that thread.
#pragma once

#include "sluice/deadline.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace sluice::postgres {

/// A server that is stopped (SIGSTOP) or behind a dead network neither answers nor closes, and libpq waits without end.
class Watchdog {
public:
    /// Watches one blocking call on a socket, from its start until it returns. `socket` must stay open meanwhile, so it is
    /// a duplicate that the driver does not know of and cannot close.
    class Watch {
    public:
        Watch(Watchdog& watchdog, int socket, TimePoint limit);
        ~Watch();
        Watch(const Watch&) = delete;
        Watch& operator=(const Watch&) = delete;

    private:
        friend class Watchdog;
        Watchdog& watchdog_;
        const int socket_;
        const TimePoint limit_;
    };

    Watchdog();
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

    /// Ends the watched calls under way, as if their limits had passed.
    void interrupt() noexcept;
    /// Ends every watched call, those under way and those to come. Idempotent.
    void stop() noexcept;
    bool stopping() const noexcept { return stopping_; }
    /// A descriptor that is readable from `stop` on, to be polled beside a socket that is not connected yet.
    int stop_descriptor() const noexcept { return stop_descriptor_; }

private:
    void run(const std::stop_token& stop);

    const int stop_descriptor_;
    std::atomic<bool> stopping_{false};
    std::mutex mutex_;  // guards what follows
    std::condition_variable_any earlier_;
    std::vector<Watch*> watches_;
    TimePoint next_look_ = TimePoint::max();
    std::jthread thread_;  // last: joined before the watches go
};

}  // namespace sluice::postgres

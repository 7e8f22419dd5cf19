// The event loops: one io_context per thread, and one more for background work and the admin listener.
// What runs on a loop stays on it, so it needs no strands and no locks.
#pragma once

#include "runtime/timer_sweep.hpp"
#include "sluice/executor.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace sluice::runtime {

struct Loop {
    Loop() : sweep{context.get_executor()}, work{boost::asio::make_work_guard(context)} {}

    boost::asio::io_context context{1};
    TimerSweep sweep;
    boost::asio::executor_work_guard<Executor> work;

    Executor executor() { return context.get_executor(); }
};

class EventLoops {
public:
    /// `count` serving loops (0: one per core) and the background loop.
    explicit EventLoops(unsigned count);
    /// Stops first if needed.
    ~EventLoops();

    std::size_t size() const noexcept { return loops_.size(); }
    Loop& serving(std::size_t index) { return *loops_[index]; }
    std::vector<Executor> serving_executors();
    Loop& background() { return background_; }

    /// `report` is told, on each serving loop, how late its turn came: ten times a second. Call before `start`.
    void observe_lateness(const std::function<void(Duration)>& report);

    void start();
    /// Ends every loop where it stands and joins the threads. Coroutines still suspended are destroyed with the contexts.
    void stop();

    /// The serving loop that runs on this thread; serving loops number from 0. On any other thread: size_t(-1).
    static std::size_t current() noexcept;

    /// Whether every serving loop has turned within `limit`.
    bool turning(TimePoint now, Duration limit) const noexcept;

private:
    std::vector<std::unique_ptr<Loop>> loops_;
    Loop background_;
    std::vector<std::jthread> threads_;  // last: joined before the loops go
};

}  // namespace sluice::runtime

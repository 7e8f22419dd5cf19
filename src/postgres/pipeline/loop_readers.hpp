// The pipelined connections of all event loops to one server. Hides the thread that makes them, since resolving and logging
// in may block, and that asks the server to end a statement nobody waits for any more.
#pragma once

#include "policy/backoff.hpp"
#include "postgres/pipeline/pipelined_reads.hpp"
#include "postgres/workers/connection_room.hpp"
#include "runtime/blocking_lane.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace sluice::postgres {

class LoopReaders {
public:
    struct Settings {
        std::string server;  ///< for metrics
        Session::Settings session;
        unsigned per_loop = 0;
    };
    struct Events {
        std::function<bool()> away;  ///< the server is known not to answer: no connection is tried
        std::function<void()> made;  ///< the server has taken a session
        std::function<bool()> workers_have_room;
    };
    /// Counts a read as under way.
    class Outstanding {
    public:
        explicit Outstanding(LoopReaders& readers) noexcept : count_{readers.outstanding_} {
            count_.fetch_add(1, std::memory_order_relaxed);
        }
        ~Outstanding() { count_.fetch_sub(1, std::memory_order_relaxed); }
        Outstanding(const Outstanding&) = delete;
        Outstanding& operator=(const Outstanding&) = delete;

    private:
        std::atomic<std::size_t>& count_;
    };

    LoopReaders(Settings settings, std::vector<Executor> loops, Watchdog& watchdog, ConnectionRoom& room,
                telemetry::Metrics& metrics, Events events);
    ~LoopReaders();
    LoopReaders(const LoopReaders&) = delete;
    LoopReaders& operator=(const LoopReaders&) = delete;

    void start();
    /// Ends what waits, while the loops still run. Stop the watchdog first.
    void stop();
    /// Makes the connections that are missing, in the background, and gives up one that is needed elsewhere.
    void heal();

    /// Those of the loop this is called on; null: it has none, or none is up.
    PipelinedReads* of(const Executor& loop) const noexcept;
    std::size_t outstanding() const noexcept { return outstanding_.load(std::memory_order_relaxed); }

private:
    using Pointer = std::shared_ptr<PipelinedReads>;
    bool submit(std::function<void()> job);
    void make_one(const Pointer& reads);
    void connect(const Pointer& reads);
    void cancel(int backend);

    const Settings settings_;
    Watchdog& watchdog_;
    ConnectionRoom& room_;
    const Events events_;
    std::atomic<std::size_t> outstanding_{0};
    policy::Backoff backoff_{{std::chrono::milliseconds{50}, std::chrono::milliseconds{1'000}}};  // the thread's
    TimePoint retry_at_{};                                                                        // the thread's
    std::unique_ptr<Connection> canceller_;                                                       // the thread's
    std::vector<Pointer> reads_;                                                                  // by loop
    std::mutex mutex_;                                                                            // guards the pointer
    std::unique_ptr<runtime::BlockingLane> thread_;  // last: joined before what it uses goes
};

}  // namespace sluice::postgres

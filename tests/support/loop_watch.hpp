// How long a loop was held at a time, by its thread's processor time: a machine that is busy with something else does not
// count. For tests that also see src/.
#pragma once

#include "runtime/event_loops.hpp"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace sluice::test {

class LoopWatch {
public:
    /// What a test may take for granted; with sanitizers everything takes many times as long.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    static constexpr std::chrono::milliseconds bound{2'000};
#else
    static constexpr std::chrono::milliseconds bound{50};
#endif

    /// Watches the serving loops, which run already.
    explicit LoopWatch(runtime::EventLoops& loops);
    /// While the loops still run.
    ~LoopWatch();
    LoopWatch(const LoopWatch&) = delete;
    LoopWatch& operator=(const LoopWatch&) = delete;

    /// The most that a loop has worked between a probe's being queued and its turn.
    std::chrono::nanoseconds longest() const;
    void forget() const;

private:
    struct Probe;

    void run(const std::stop_token& stop);

    std::vector<std::shared_ptr<Probe>> probes_;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::jthread thread_;  // last: uses the others
};

}  // namespace sluice::test

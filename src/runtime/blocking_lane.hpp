// Threads for calls that block, behind a bounded queue: when it is full the answer is "overloaded" at once.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace sluice::runtime {

class BlockingLane {
public:
    /// Receives the index of the worker that runs it, so that a worker can own a resource such as a connection. Must not
    /// throw, and must own all it uses: whoever waits for it may be gone before it runs.
    using Job = std::function<void(std::size_t worker)>;

    BlockingLane(std::size_t workers, std::size_t queue_limit);
    /// Drops the jobs still queued and waits for those that run.
    ~BlockingLane();
    BlockingLane(const BlockingLane&) = delete;
    BlockingLane& operator=(const BlockingLane&) = delete;

    /// False if the queue is full or the lane is stopping; the job is not run then.
    [[nodiscard]] bool try_submit(Job job);

    std::size_t workers() const noexcept { return threads_.size(); }
    /// Jobs queued, not counting those that run.
    std::size_t queued() const;

private:
    void work(std::size_t worker, const std::stop_token& stop);

    const std::size_t queue_limit_;
    mutable std::mutex mutex_;
    std::condition_variable_any wake_;
    std::deque<Job> queue_;
    bool stopping_ = false;
    std::vector<std::jthread> threads_;  // last: joined before the queue goes
};

}  // namespace sluice::runtime

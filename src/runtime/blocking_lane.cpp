#include "runtime/blocking_lane.hpp"

namespace sluice::runtime {

BlockingLane::BlockingLane(std::size_t workers, std::size_t queue_limit) : queue_limit_{queue_limit} {
    threads_.reserve(workers);
    for (std::size_t i = 0; i < workers; ++i) {
        threads_.emplace_back([this, i](const std::stop_token& stop) { work(i, stop); });
    }
}

BlockingLane::~BlockingLane() {
    std::deque<Job> dropped;
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
        dropped.swap(queue_);
    }
    for (auto& thread : threads_) thread.request_stop();
    threads_.clear();
}

bool BlockingLane::try_submit(Job job) {
    {
        const std::lock_guard lock{mutex_};
        if (stopping_ || queue_.size() >= queue_limit_) return false;
        queue_.push_back(std::move(job));
    }
    wake_.notify_one();
    return true;
}

std::size_t BlockingLane::queued() const {
    const std::lock_guard lock{mutex_};
    return queue_.size();
}

void BlockingLane::work(std::size_t worker, const std::stop_token& stop) {
    for (;;) {
        Job job;
        {
            std::unique_lock lock{mutex_};
            if (!wake_.wait(lock, stop, [this] { return !queue_.empty(); })) return;
            job = std::move(queue_.front());
            queue_.pop_front();
        }
        job(worker);
    }
}

}  // namespace sluice::runtime

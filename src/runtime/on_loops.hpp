// Runs something on event loops and waits for it, from a thread that is none of them.
#pragma once

#include "sluice/executor.hpp"

#include <boost/asio/post.hpp>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <utility>
#include <vector>

namespace sluice::runtime {

struct LoopTask {
    Executor executor;
    std::function<void()> run;  ///< owns what it uses: a loop that hangs may run it late
};

/// Waits at most `patience` for all of them; a loop that was stopped runs nothing and is not waited for.
inline void run_on_loops(std::vector<LoopTask> tasks, std::chrono::milliseconds patience = std::chrono::seconds{1}) {
    std::vector<std::future<void>> done;
    for (auto& task : tasks) {
        if (task.executor.context().stopped()) continue;
        auto promise = std::make_shared<std::promise<void>>();
        done.push_back(promise->get_future());
        boost::asio::post(task.executor, [run = std::move(task.run), promise] {
            run();
            promise->set_value();
        });
    }
    const auto until = std::chrono::steady_clock::now() + patience;
    for (const auto& one : done) one.wait_until(until);
}

}  // namespace sluice::runtime

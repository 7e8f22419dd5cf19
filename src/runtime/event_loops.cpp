#include "runtime/event_loops.hpp"

#include <pthread.h>

#include <algorithm>
#include <string>

namespace sluice::runtime {
namespace {

constexpr auto not_a_serving_loop = static_cast<std::size_t>(-1);
thread_local std::size_t current_loop = not_a_serving_loop;

void run(Loop& loop, std::size_t index, const std::string& name) {
    current_loop = index;
    ::pthread_setname_np(::pthread_self(), name.c_str());
    loop.context.run();
}

}  // namespace

EventLoops::EventLoops(unsigned count) {
    if (count == 0) count = std::max(1U, std::thread::hardware_concurrency());
    for (unsigned i = 0; i < count; ++i) loops_.push_back(std::make_unique<Loop>());
}

EventLoops::~EventLoops() { stop(); }

std::vector<Executor> EventLoops::serving_executors() {
    std::vector<Executor> all;
    all.reserve(loops_.size());
    for (const auto& loop : loops_) all.push_back(loop->executor());
    return all;
}

void EventLoops::observe_lateness(const std::function<void(Duration)>& report) {
    for (const auto& loop : loops_) loop->sweep.observe_lateness(report);
}

void EventLoops::start() {
    for (std::size_t i = 0; i < loops_.size(); ++i) {
        loops_[i]->sweep.start();
        threads_.emplace_back([this, i] { run(*loops_[i], i, "loop-" + std::to_string(i)); });
    }
    background_.sweep.start();
    threads_.emplace_back([this] { run(background_, not_a_serving_loop, "background"); });
}

void EventLoops::stop() {
    for (auto& loop : loops_) loop->context.stop();
    background_.context.stop();
    threads_.clear();
}

std::size_t EventLoops::current() noexcept { return current_loop; }

bool EventLoops::turning(TimePoint now, Duration limit) const noexcept {
    return std::all_of(loops_.begin(), loops_.end(),
                       [&](const auto& loop) { return now - loop->sweep.last_tick() <= limit; });
}

}  // namespace sluice::runtime

#include "support/loop_watch.hpp"

#include <boost/asio/post.hpp>

#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <future>

namespace sluice::test {
namespace {

std::int64_t read_clock(::clockid_t clock) {
    ::timespec time{};
    ::clock_gettime(clock, &time);
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

/// Of one loop. At most one is on its way.
struct LoopWatch::Probe {
    explicit Probe(Executor on) : executor{on} {}

    Executor executor;
    ::clockid_t clock{};
    std::atomic<bool> under_way{false};
    std::atomic<std::int64_t> longest{0};
};

LoopWatch::LoopWatch(runtime::EventLoops& loops) {
    for (const auto& executor : loops.serving_executors()) {
        auto probe = std::make_shared<Probe>(executor);
        std::promise<::clockid_t> clock;
        boost::asio::post(executor, [&clock] {
            ::clockid_t own{};
            ::pthread_getcpuclockid(::pthread_self(), &own);
            clock.set_value(own);
        });
        probe->clock = clock.get_future().get();
        probes_.push_back(std::move(probe));
    }
    thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
}

LoopWatch::~LoopWatch() = default;

std::chrono::nanoseconds LoopWatch::longest() const {
    std::int64_t longest = 0;
    for (const auto& probe : probes_) longest = std::max(longest, probe->longest.load());
    return std::chrono::nanoseconds{longest};
}

void LoopWatch::forget() const {
    for (const auto& probe : probes_) probe->longest = 0;
}

void LoopWatch::run(const std::stop_token& stop) {
    constexpr std::chrono::microseconds interval{500};
    std::unique_lock lock{mutex_};
    while (!wake_.wait_for(lock, stop, interval, [] { return false; }) && !stop.stop_requested()) {
        for (const auto& probe : probes_) {
            if (probe->under_way.exchange(true)) continue;
            const auto queued = read_clock(probe->clock);
            boost::asio::post(probe->executor, [probe, queued] {
                const auto worked = read_clock(CLOCK_THREAD_CPUTIME_ID) - queued;
                probe->longest = std::max(probe->longest.load(), worked);
                probe->under_way = false;
            });
        }
    }
}

}  // namespace sluice::test

// One coarse timer for everything on a loop that must not take too long: a sweep ten times a second looks who is due.
// Arming and disarming cost a few stores, against an allocation and a heap operation for an Asio timer of one's own.
#pragma once

#include "sluice/deadline.hpp"
#include "sluice/executor.hpp"

#include <boost/asio/basic_waitable_timer.hpp>

#include <atomic>
#include <functional>
#include <utility>

namespace sluice::runtime {

using Timer = boost::asio::basic_waitable_timer<Clock, boost::asio::wait_traits<Clock>, Executor>;

class TimerSweep {
public:
    /// How late an alarm may be.
    static constexpr std::chrono::milliseconds resolution{100};

    /// Something that may become due. Lives in its owner; leaves the sweep when destroyed. Used on the sweep's loop only.
    class Alarm {
    public:
        /// `ring` is called on the loop, once per arming; it may arm, disarm or destroy any alarm.
        explicit Alarm(std::function<void()> ring) : ring_{std::move(ring)} {}
        ~Alarm() { leave(); }
        Alarm(const Alarm&) = delete;
        Alarm& operator=(const Alarm&) = delete;

        void disarm() noexcept { due_ = TimePoint::max(); }
        bool armed() const noexcept { return due_ != TimePoint::max(); }

    private:
        friend class TimerSweep;
        std::function<void()> ring_;
        TimePoint due_ = TimePoint::max();
        Alarm* previous_ = nullptr;
        Alarm* next_ = nullptr;
        TimerSweep* sweep_ = nullptr;

        void leave() noexcept;
    };

    explicit TimerSweep(Executor executor) : timer_{executor} {}

    /// Starts to sweep; call once, on the loop or before it runs.
    void start();
    void stop() { timer_.cancel(); }
    /// `report` is told of each turn how late it came, on the loop: how long something else held it. Call before `start`.
    void observe_lateness(std::function<void(Duration)> report) { report_ = std::move(report); }

    /// Rings at `due` or up to `resolution` later. Arming again moves it.
    void arm(Alarm& alarm, TimePoint due) noexcept;

    /// When the loop last turned; from any thread. Tells whether it is stuck.
    TimePoint last_tick() const noexcept { return TimePoint{Duration{last_tick_.load(std::memory_order_relaxed)}}; }

private:
    void tick();

    Timer timer_;
    std::function<void(Duration)> report_;
    Alarm* first_ = nullptr;
    Alarm* cursor_ = nullptr;  // the next alarm to look at, so that a ring may remove any alarm
    std::atomic<Duration::rep> last_tick_{Clock::now().time_since_epoch().count()};
};

}  // namespace sluice::runtime

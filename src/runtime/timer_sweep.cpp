#include "runtime/timer_sweep.hpp"

namespace sluice::runtime {

void TimerSweep::Alarm::leave() noexcept {
    if (!sweep_) return;
    if (sweep_->cursor_ == this) sweep_->cursor_ = next_;
    (previous_ ? previous_->next_ : sweep_->first_) = next_;
    if (next_) next_->previous_ = previous_;
    previous_ = next_ = nullptr;
    sweep_ = nullptr;
}

void TimerSweep::arm(Alarm& alarm, TimePoint due) noexcept {
    alarm.due_ = due;
    if (alarm.sweep_) return;
    alarm.sweep_ = this;
    alarm.next_ = first_;
    if (first_) first_->previous_ = &alarm;
    first_ = &alarm;
}

void TimerSweep::start() {
    timer_.expires_after(resolution);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        tick();
        start();
    });
}

void TimerSweep::tick() {
    const auto now = Clock::now();
    if (report_) report_(now - timer_.expiry());
    last_tick_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    cursor_ = first_;
    while (cursor_) {
        Alarm& alarm = *cursor_;
        cursor_ = alarm.next_;
        if (alarm.due_ > now) continue;
        alarm.disarm();
        const auto ring = alarm.ring_;  // a copy: the ring may destroy its own alarm
        ring();
    }
}

}  // namespace sluice::runtime

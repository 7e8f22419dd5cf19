// The clock that leases live by: it never goes back, and goes on while the machine sleeps.
#pragma once

#include "policy/lease.hpp"
#include "sluice/deadline.hpp"

#include <ctime>

namespace sluice::runtime {

/// CLOCK_BOOTTIME (clock_gettime(2)).
inline policy::BootMoment boot_now() noexcept {
    ::timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

/// How long the machine has slept since its boot, which `Clock` does not count. Exact to what happens between two readings.
inline Duration asleep() noexcept { return boot_now() - Clock::now().time_since_epoch(); }
/// The same, at least, if `now` was read just before.
inline Duration asleep(TimePoint now) noexcept { return boot_now() - now.time_since_epoch(); }

}  // namespace sluice::runtime

#include "postgres/connection/watchdog.hpp"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace sluice::postgres {
namespace {

int make_event() {
    const int descriptor = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (descriptor < 0) throw std::system_error{errno, std::generic_category(), "eventfd"};
    return descriptor;
}

}  // namespace

Watchdog::Watch::Watch(Watchdog& watchdog, int socket, TimePoint limit)
    : watchdog_{watchdog}, socket_{socket}, limit_{limit} {
    const std::lock_guard lock{watchdog_.mutex_};
    watchdog_.watches_.push_back(this);
    if (watchdog_.stopping_) ::shutdown(socket_, SHUT_RDWR);
    if (limit_ < watchdog_.next_look_) {
        watchdog_.next_look_ = limit_;
        watchdog_.earlier_.notify_one();
    }
}

Watchdog::Watch::~Watch() {
    const std::lock_guard lock{watchdog_.mutex_};
    std::erase(watchdog_.watches_, this);
}

Watchdog::Watchdog() : stop_descriptor_{make_event()}, thread_{[this](const std::stop_token& stop) { run(stop); }} {}

Watchdog::~Watchdog() {
    stop();
    thread_.request_stop();
    thread_.join();
    ::close(stop_descriptor_);
}

void Watchdog::interrupt() noexcept {
    const std::lock_guard lock{mutex_};
    for (const auto* watch : watches_) ::shutdown(watch->socket_, SHUT_RDWR);
}

void Watchdog::stop() noexcept {
    const std::lock_guard lock{mutex_};
    if (stopping_.exchange(true)) return;
    for (const auto* watch : watches_) ::shutdown(watch->socket_, SHUT_RDWR);
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(stop_descriptor_, &one, sizeof one);
}

void Watchdog::run(const std::stop_token& stop) {
    std::unique_lock lock{mutex_};
    while (!stop.stop_requested()) {
        const auto now = Clock::now();
        next_look_ = TimePoint::max();
        for (const auto* watch : watches_) {
            if (watch->limit_ <= now) {
                ::shutdown(watch->socket_, SHUT_RDWR);  // again and again does no harm
            } else {
                next_look_ = std::min(next_look_, watch->limit_);
            }
        }
        // Most calls end long before their limit; then the look at it finds nothing, which costs less than a wakeup each.
        const auto until = next_look_;
        const auto sooner = [&] { return next_look_ < until; };
        if (until == TimePoint::max()) {
            earlier_.wait(lock, stop, sooner);
        } else {
            earlier_.wait_until(lock, stop, until, sooner);
        }
    }
}

}  // namespace sluice::postgres

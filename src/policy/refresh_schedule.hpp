// When to fetch something that changes seldom: at an interval, sooner after a failure, and when somebody misses something,
// but not at everybody's beck and call. Pure: the time is passed in.
#pragma once

#include "policy/backoff.hpp"
#include "sluice/deadline.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace sluice::policy {

class RefreshSchedule {
public:
    struct Settings {
        Duration interval = std::chrono::minutes{5};  ///< after a success
        /// The least between an attempt and one that was asked for. Whoever asks for nothing all the time delays nobody by
        /// more.
        Duration on_demand = std::chrono::seconds{1};
        Backoff::Settings retry{std::chrono::seconds{1}, std::chrono::seconds{30}};  ///< after failures
    };

    /// Due at once.
    RefreshSchedule(Settings settings, TimePoint now) : settings_{settings}, retry_{settings.retry}, due_{now} {}

    /// When the next attempt is to be made.
    TimePoint due() const noexcept { return due_; }

    /// Something is missing that an attempt may bring. True if the next attempt is sooner for that.
    bool ask(TimePoint now) noexcept {
        const auto soonest = attempted_ ? std::max(now, *attempted_ + settings_.on_demand) : now;
        if (soonest >= due_) return false;
        due_ = soonest;
        return true;
    }

    void succeeded(TimePoint now) noexcept {
        attempted_ = now;
        retry_.reset();
        due_ = now + settings_.interval;
    }

    /// `at_least`: how long an attempt is pointless, e.g. while a breaker is open. `random` is uniform over all 64 bits.
    void failed(TimePoint now, std::uint64_t random, Duration at_least) noexcept {
        attempted_ = now;
        due_ = now + std::max(at_least, std::min(settings_.interval, retry_.next(random)));
    }

private:
    Settings settings_;
    Backoff retry_;
    TimePoint due_;
    std::optional<TimePoint> attempted_;  // the latest attempt's end
};

}  // namespace sluice::policy

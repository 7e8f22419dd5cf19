// Which share of the last seconds' calls failed, and which took too long. Hides the ring of ten buckets; knows no clock.
#pragma once

#include "sluice/deadline.hpp"

#include <array>
#include <cstdint>

namespace sluice::policy {

class FailureRate {
public:
    struct Settings {
        unsigned failed_percent = 50;                ///< of the calls; 1 to 100
        unsigned calls = 20;                         ///< fewer say nothing; at least 1
        Duration window = std::chrono::seconds{10};  ///< in ten buckets; at least 10 ms
        Duration slow = Duration::max();             ///< a call that takes so long is slow; max(): none is
        unsigned slow_percent = 80;                  ///< of the calls; 1 to 100
    };
    enum class Verdict {
        well,     // or too few calls to say
        failing,  // too many failed
        slow,     // too many took too long
    };

    explicit FailureRate(const Settings& settings) noexcept : settings_{settings} {}

    bool is_slow(Duration took) const noexcept { return took >= settings_.slow; }
    /// One call more, which ended at `now`. A `now` earlier than one seen before counts as that one.
    Verdict count(TimePoint now, bool failed, bool slow) noexcept;
    void clear() noexcept { *this = FailureRate{settings_}; }

private:
    struct Bucket {
        unsigned calls = 0, failed = 0, slow = 0;
    };
    void turn_to(TimePoint now) noexcept;

    Settings settings_;
    std::array<Bucket, 10> buckets_{};
    Bucket sum_;
    std::int64_t newest_ = 0;  // the number of the newest bucket, counted from the clock's beginning
};

}  // namespace sluice::policy

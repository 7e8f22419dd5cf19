#include "policy/failure_rate.hpp"

#include <algorithm>

namespace sluice::policy {

void FailureRate::turn_to(TimePoint now) noexcept {
    const auto width = settings_.window / static_cast<Duration::rep>(buckets_.size());
    const auto number = now.time_since_epoch() / width;
    const auto size = static_cast<std::int64_t>(buckets_.size());
    if (number <= newest_) return;
    for (auto i = std::max(newest_ + 1, number - size + 1); i <= number; ++i) {
        auto& bucket = buckets_[static_cast<std::size_t>(i % size)];
        sum_.calls -= bucket.calls;
        sum_.failed -= bucket.failed;
        sum_.slow -= bucket.slow;
        bucket = {};
    }
    newest_ = number;
}

FailureRate::Verdict FailureRate::count(TimePoint now, bool failed, bool slow) noexcept {
    turn_to(now);
    for (auto* one : {&buckets_[static_cast<std::size_t>(newest_ % static_cast<std::int64_t>(buckets_.size()))], &sum_}) {
        ++one->calls;
        one->failed += failed;
        one->slow += slow;
    }
    if (sum_.calls < settings_.calls) return Verdict::well;
    const auto reaches = [&](unsigned part, unsigned percent) {
        return std::uint64_t{part} * 100 >= std::uint64_t{sum_.calls} * percent;
    };
    if (reaches(sum_.failed, settings_.failed_percent)) return Verdict::failing;
    if (settings_.slow != Duration::max() && reaches(sum_.slow, settings_.slow_percent)) return Verdict::slow;
    return Verdict::well;
}

}  // namespace sluice::policy

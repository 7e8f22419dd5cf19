#include "postgres/schema/replica_lag.hpp"

#include <algorithm>

namespace sluice::postgres {

void PrimaryProgress::polled(TimePoint sent, std::uint64_t lsn) {
    if (!marks_.empty() && lsn < marks_.back().lsn) marks_.clear();
    if (!marks_.empty() && lsn == marks_.back().lsn) {
        marks_.back().sent = std::max(marks_.back().sent, sent);
        return;
    }
    marks_.push_back({sent, lsn});
    if (marks_.size() > remembered) marks_.pop_front();
}

std::optional<Duration> PrimaryProgress::behind(std::uint64_t replayed) const {
    if (marks_.empty()) return Duration::zero();
    const auto after = std::upper_bound(marks_.begin(), marks_.end(), replayed,
                                        [](std::uint64_t lsn, const Mark& mark) { return lsn < mark.lsn; });
    if (after == marks_.begin()) return std::nullopt;
    return marks_.back().sent - std::prev(after)->sent;
}

}  // namespace sluice::postgres

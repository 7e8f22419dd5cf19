#include "support/race_history.hpp"

#include <algorithm>
#include <map>

namespace sluice::test {
namespace {

constexpr Duration race_window = std::chrono::milliseconds{500};

/// The writes of one row.
struct RowWrites {
    std::vector<RaceWrite> by_version;
    std::vector<TimePoint> first_answer;  // of the write at this place and all of higher versions
    std::vector<TimePoint> answers;       // in their order

    void prepare() {
        std::sort(by_version.begin(), by_version.end(), [](const auto& a, const auto& b) { return a.version < b.version; });
        first_answer.resize(by_version.size());
        auto first = TimePoint::max();
        for (std::size_t i = by_version.size(); i-- > 0;) {
            first = std::min(first, by_version[i].answered);
            first_answer[i] = first;
        }
        for (const auto& write : by_version) answers.push_back(write.answered);
        std::sort(answers.begin(), answers.end());
    }
    /// For how long the value had been outdated when it was asked for, as far as clients can know.
    Duration behind(const RaceRead& read) const {
        const auto newer = std::upper_bound(by_version.begin(), by_version.end(), read.version,
                                            [](std::int64_t version, const auto& write) { return version < write.version; });
        if (newer == by_version.end()) return Duration{0};
        const auto answered = first_answer[static_cast<std::size_t>(newer - by_version.begin())];
        return std::max(Duration{0}, read.sent - answered);
    }
    bool just_written(TimePoint sent) const {
        const auto later = std::upper_bound(answers.begin(), answers.end(), sent);
        return later != answers.begin() && sent - *std::prev(later) <= race_window;
    }
};

bool in_outage(const RaceRead& read, const RaceBounds& bounds) {
    const auto& times = bounds.failing.at(read.instance);
    return std::any_of(times.begin(), times.end(),
                       [&](const FailingPolls& time) { return read.sent <= time.to && read.received >= time.from; });
}

}  // namespace

RaceFindings check_races(std::span<const RaceWrite> writes, std::span<const RaceRead> reads, const RaceBounds& bounds) {
    std::map<std::uint32_t, RowWrites> rows;
    for (const auto& write : writes) rows[write.row].by_version.push_back(write);
    for (auto& [row, its_writes] : rows) its_writes.prepare();

    RaceFindings found;
    found.writes = writes.size();
    found.reads = reads.size();
    std::vector<Duration> behind;
    for (const auto& read : reads) {
        if (read.how == RaceRead::How::stale) {
            ++found.stale;
            continue;
        }
        ++found.fresh;
        if (read.how != RaceRead::How::loaded) ++found.hits;
        const auto& of_row = rows[read.row];
        if (of_row.just_written(read.sent)) ++found.races;
        const auto by = of_row.behind(read);
        const bool outage = in_outage(read, bounds);
        if (outage) {
            ++found.in_outage;
            found.worst_in_outage = std::max(found.worst_in_outage, by);
        } else if (by > Duration{0}) {
            behind.push_back(by);
        }
        if (by > Duration{0}) ++found.behind;
        if (by <= (outage ? bounds.polls_fail : bounds.polls_work)) continue;
        ++found.violations;
        found.violated_rows.insert(read.row);
    }
    if (!behind.empty()) {
        const auto middle = behind.begin() + static_cast<std::ptrdiff_t>(behind.size() / 2);
        std::nth_element(behind.begin(), middle, behind.end());
        found.median_behind = *middle;
        found.worst_behind = *std::max_element(middle, behind.end());
    }
    return found;
}

}  // namespace sluice::test

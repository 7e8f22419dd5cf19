// How far a replica is behind, in time, without comparing two machines' clocks. Pure.
#pragma once

#include "sluice/deadline.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace sluice::postgres {

/// Remembers where the primary's log was at each poll. A replica that has replayed up to the newest of these is not behind;
/// else it is as far behind as the newest position it has replayed is older than the newest poll. While the primary is away
/// no polls come, and the lag stands still: nothing newer exists to be behind of.
class PrimaryProgress {
public:
    /// A poll sent at `sent` found the log at `lsn`. A position below the last one is another server's: all starts anew.
    void polled(TimePoint sent, std::uint64_t lsn);

    /// Nothing: further behind than is remembered. Before the first poll nobody is behind.
    std::optional<Duration> behind(std::uint64_t replayed) const;

private:
    // Ten minutes of polls, a tenth of a second apart: far beyond any sensible max_lag.
    static constexpr std::size_t remembered = 6000;
    struct Mark {
        TimePoint sent;  // the last poll that found the log there
        std::uint64_t lsn;
    };
    std::deque<Mark> marks_;  // in the order of both
};

}  // namespace sluice::postgres

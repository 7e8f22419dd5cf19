// What clients wrote and read while writes and reads raced, and how far behind its writes each answer was. Pure, but for the
// lock: rows are numbers, and every write of a row makes a version of it that is higher than all before.
#pragma once

#include "sluice/deadline.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <set>
#include <span>
#include <vector>

namespace sluice::test {

inline constexpr std::size_t race_instances = 2;

struct RaceWrite {
    std::uint32_t row = 0;
    std::int64_t version = 0;
    TimePoint answered{};  ///< when the writer was told that it is committed
};

struct RaceRead {
    enum class How : std::uint8_t {
        level_one,  // a hit in the process
        level_two,  // a hit in Redis
        loaded,     // read from the database, for this request or for another
        stale,      // marked as stale: promises nothing
    };
    std::uint32_t row = 0;
    std::int64_t version = 0;  ///< -1: there was no such row
    How how = How::loaded;
    std::uint8_t instance = 0;
    TimePoint sent{};
    TimePoint received{};
};

/// A time in which an instance's polls failed, by its own word: another bound holds then.
struct FailingPolls {
    TimePoint from{};
    TimePoint to = TimePoint::max();
};

struct RaceBounds {
    Duration polls_work = std::chrono::milliseconds{500};
    Duration polls_fail = std::chrono::milliseconds{5'500};  ///< the grace of 5 s, and what a replica may lag in this test
    std::array<std::vector<FailingPolls>, race_instances> failing{};
};

struct RaceFindings {
    std::size_t writes = 0;
    std::size_t reads = 0;
    std::size_t stale = 0;      ///< of the reads: marked so
    std::size_t fresh = 0;      ///< all others, of which
    std::size_t hits = 0;       ///< came from the cache
    std::size_t races = 0;      ///< were sent within 500 ms after an answered write of their row
    std::size_t behind = 0;     ///< lacked a write that was answered before they were sent
    std::size_t in_outage = 0;  ///< may have been judged while the instance's polls failed
    Duration median_behind{0};  ///< of those that were behind, outages left out: for how long that write had been answered
    Duration worst_behind{0};
    Duration worst_in_outage{0};
    std::size_t violations = 0;             ///< behind by more than the bound that held
    std::set<std::uint32_t> violated_rows;  ///< rows that these were of
};

RaceFindings check_races(std::span<const RaceWrite> writes, std::span<const RaceRead> reads, const RaceBounds& bounds = {});

/// Filled by many threads.
class RaceHistory {
public:
    void add(const RaceWrite& write) {
        const std::lock_guard lock{mutex_};
        writes_.push_back(write);
    }
    void add(const RaceRead& read) {
        const std::lock_guard lock{mutex_};
        reads_.push_back(read);
    }
    RaceFindings check(const RaceBounds& bounds = {}) const {
        std::vector<RaceWrite> writes;
        std::vector<RaceRead> reads;
        {
            const std::lock_guard lock{mutex_};
            writes = writes_;
            reads = reads_;
        }
        return check_races(writes, reads, bounds);
    }

private:
    mutable std::mutex mutex_;
    std::vector<RaceWrite> writes_;
    std::vector<RaceRead> reads_;
};

}  // namespace sluice::test

// The primary as its polls show it: who it is, and which snapshots it had where in its log. By that a replica's lag is told,
// and a label is given to what a standby read. For all threads.
#pragma once

#include "postgres/connection/standing.hpp"
#include "postgres/schema/change_feed.hpp"
#include "postgres/schema/replica_lag.hpp"
#include "sluice/ports/database.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

namespace sluice::postgres {

class KnownPrimary {
public:
    void polled(const Poll& poll);

    /// That of the last answered poll; 0: none was answered yet.
    HistoryId history() const noexcept { return history_.load(std::memory_order_relaxed); }
    Standing standing_of(const ServerIdentity& server) const;
    /// See PrimaryProgress.
    std::optional<Duration> behind(std::uint64_t replayed) const;
    /// Of what a standby reads after it said that it had replayed so much: the snapshot of the newest poll that found the
    /// log no further. What that contains had its commit in the log before. Nothing: no poll that is remembered, or the
    /// server is no standby of this primary.
    std::optional<Label> label_at(std::uint64_t replayed, const ServerIdentity& standby) const;

private:
    struct Mark {
        TimePoint sent;
        std::uint64_t lsn;
        Snapshot snapshot;
    };
    void mark(const Poll& poll);

    // Closer ones are not needed: polls may come every 5 ms. So these are five minutes at least.
    static constexpr Duration between_marks = std::chrono::milliseconds{50};
    static constexpr std::size_t remembered = 6000;

    std::atomic<HistoryId> history_{0};
    mutable std::mutex mutex_;  // guards what follows; held for a moment
    std::optional<ServerIdentity> identity_;
    PrimaryProgress progress_;
    std::deque<Mark> marks_;  // in the order of both
};

/// Where the log ends for a reader of its records: at the beginning of a page nothing follows but the page's own header, in
/// which PostgreSQL may say that it inserts next.
std::uint64_t without_page_header(std::uint64_t lsn) noexcept;

}  // namespace sluice::postgres

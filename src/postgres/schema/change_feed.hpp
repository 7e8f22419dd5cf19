// Learns of every invalidation and key exception that anyone commits on the primary, by polling its snapshots.
// Why no row is missed: a poll returns the rows of transactions that the last poll's snapshot did not contain, those that
// were running then and those that began since. So one that commits late with an old xid is found too, however many have
// come and gone meanwhile; nothing depends on the order of ids or on a message's arrival.
#pragma once

#include "policy/changes.hpp"
#include "postgres/connection/server_identity.hpp"
#include "sluice/deadline.hpp"
#include "sluice/snapshot.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sluice::postgres {

/// What one answered poll brought, and who answered.
struct Poll : policy::Poll {
    ServerIdentity identity{};
    std::uint64_t lsn = 0;         ///< how far the write-ahead log was written
    std::uint64_t insert_lsn = 0;  ///< where it ended, after the snapshot was taken: behind the commits that this contains
};

class ChangeFeed {
public:
    struct Settings {
        std::string url;  ///< the primary
        std::chrono::milliseconds interval{100};
        std::chrono::milliseconds answer_within{2'000};  ///< a poll that takes longer has failed
        std::chrono::seconds retention{0};               ///< see keep_for
        std::chrono::seconds look_for_schema{5};         ///< how often, while there is none
    };
    /// Called on the feed's thread, one at a time. Must not throw.
    using OnPoll = std::function<void(const Poll&)>;
    using OnFailure = std::function<void(const std::exception& error)>;

    ChangeFeed(Settings settings, OnPoll on_poll, OnFailure on_failure = {});
    /// Stops first if needed.
    ~ChangeFeed();
    ChangeFeed(const ChangeFeed&) = delete;
    ChangeFeed& operator=(const ChangeFeed&) = delete;

    /// Starts to poll. An unreachable server is a failed poll; it is tried again within half a second.
    void start();
    /// Ends a poll under way and joins the thread. Idempotent.
    void stop();
    /// Polls at once: somebody has said that there is something new. From any thread.
    void poke();
    /// Invalidations are kept for so long, twice the longest life of a copy, and then purged, hourly; 0: for ever. The
    /// longest that was ever said holds, since copies of then may be left. From any thread.
    void keep_for(std::chrono::seconds retention) noexcept;
    /// Whether the primary keeps invalidations, as of the last answered poll.
    bool coherent() const noexcept;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::postgres

// What keys used, summed up in Redis over all instances until it is moved to where it stays. Hides the scripts, the keys and
// how nothing is counted twice.
#pragma once

#include "policy/usage.hpp"
#include "redis/client.hpp"
#include "redis/scripts.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::redis {

/// Sums stand in batches of a few thousand keys. One batch is open and takes what instances add; a closed one no longer
/// changes, so that it can be moved by its id, once, whoever tries and however often. Everything of one deployment is in one
/// slot of a cluster.
///
/// Versions whose names held no database added to batches of all deployments together. What they left, or still add while
/// instances are replaced one by one, is read and moved as they did it: by whoever comes first.
class UsageLog {
public:
    struct Batch {
        std::string id;
        std::vector<policy::KeyUsage> usage;
        std::string stem{};  ///< how the names begin under which it stands
    };
    /// What of one key is in a batch.
    struct Pending {
        std::string batch;
        std::chrono::sys_days day;
        policy::Usage usage;
    };

    /// The client must outlive it. `batch_keys`: a batch of so many is closed.
    explicit UsageLog(Client& client, std::size_t batch_keys = 5'000);

    /// Adds sums of this instance. `sequence` counts its additions from 1: one that was added already, though nobody heard
    /// of it, is not added again. False: whether it was added is not known; try the same again.
    awaitable<bool> add(std::uint64_t sequence, std::span<const policy::KeyUsage> usage, Deadline deadline);

    /// Asks for the oldest closed batch; an open one of that age is closed first. Nothing: there is none, or no answer.
    awaitable<std::optional<Batch>> oldest_closed(std::chrono::milliseconds age, Deadline deadline);
    /// The batch has been moved. False: no answer; it is found again and moves nothing.
    awaitable<bool> forget(Batch batch, Deadline deadline);

    /// What is in batches of this key on those days. Nothing: no answer.
    awaitable<std::optional<std::vector<Pending>>> pending(std::string key, std::vector<std::chrono::sys_days> days,
                                                           Deadline deadline);

private:
    std::vector<std::string> stems() const;
    awaitable<std::optional<Batch>> oldest_closed_of(std::string stem, std::chrono::milliseconds age, Deadline deadline);

    Client& client_;
    const std::string batch_keys_;
    const std::string instance_;  // a name of its own, also after a restart
    const Script add_, oldest_closed_, forget_, pending_;
};

}  // namespace sluice::redis

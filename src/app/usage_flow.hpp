// What keys used, on its way: counted in this process, summed up in Redis every second, moved to PostgreSQL in batches.
// Hides when what is moved, and how nothing is counted twice on the way.
#pragma once

#include "admin/usage_report.hpp"
#include "memory/usage_counter.hpp"
#include "policy/usage.hpp"
#include "redis/usage_log.hpp"
#include "runtime/blocking_lane.hpp"
#include "runtime/event_loops.hpp"
#include "sluice/deadline.hpp"
#include "sluice/executor.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/throttle.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::app {

/// Sums taken from the counter are tried until they are added: to Redis under this instance's next number, or, without
/// Redis, to PostgreSQL under an id of their own, so that a repetition adds nothing. A batch that Redis has closed is added
/// to PostgreSQL under its id by whichever instance comes first. What a process held when it was killed is lost: up to a
/// second.
class UsageFlow {
public:
    struct Settings {
        std::string primary;
        std::chrono::milliseconds flush{1'000};
        std::chrono::milliseconds settle{10'000};  ///< the age at which an open batch is moved
    };

    /// `log` is null without Redis. Counter, log and loops outlive it.
    UsageFlow(Settings settings, memory::UsageCounter& counter, redis::UsageLog* log, runtime::EventLoops& loops,
              telemetry::Metrics& metrics);
    ~UsageFlow();

    void start();
    /// Stores what was counted so far, if that takes no more than a second or so. Not from a loop; while the loops still
    /// run, and they must have stopped before it is destroyed.
    void stop();

private:
    struct Sums {
        std::uint64_t sequence = 0;
        std::string id;
        std::vector<policy::KeyUsage> usage;
    };
    struct Run;

    awaitable<void> run(std::shared_ptr<Run> run);
    awaitable<bool> flush();
    awaitable<bool> store(const Sums& sums);
    awaitable<void> settle(const Run& run);
    awaitable<bool> add_to_primary(std::string batch, std::vector<policy::KeyUsage> usage);

    const Settings settings_;
    memory::UsageCounter& counter_;
    redis::UsageLog* const log_;
    const Executor executor_;  // the background loop's, where all this runs
    const telemetry::Gauge waiting_keys_;
    const telemetry::Counter dropped_;
    std::uint64_t dropped_told_ = 0;
    log::Throttle throttle_{std::chrono::seconds{10}};
    std::optional<Sums> unstored_;  // taken, and not known to be stored
    std::uint64_t sequence_ = 0;
    std::shared_ptr<Run> run_;
    runtime::BlockingLane lane_{1, 4};
};

/// What is stored and what is on its way. `log` is null without Redis.
awaitable<admin::UsageReport> read_usage(std::string primary, redis::UsageLog* log, runtime::BlockingLane& lane,
                                         Executor executor, std::string key, unsigned days, Deadline deadline);

}  // namespace sluice::app

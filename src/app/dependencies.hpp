// Everything the server talks to, built once from the settings, started and stopped in order.
// Hides which ports stand on Redis and PostgreSQL and which in this process.
#pragma once

#include "admin/health.hpp"
#include "admin/key_administration.hpp"
#include "admin/purge_handler.hpp"
#include "app/announcements.hpp"
#include "app/configuration.hpp"
#include "app/key_exception_feed.hpp"
#include "app/limits.hpp"
#include "app/purge_sweep.hpp"
#include "app/purges.hpp"
#include "app/redis_namespace.hpp"
#include "app/table_watch.hpp"
#include "app/token_issuers.hpp"
#include "app/upstreams.hpp"
#include "app/usage_flow.hpp"
#include "auth/key_exceptions.hpp"
#include "cache/coherence.hpp"
#include "cache/two_level_cache.hpp"
#include "memory/rate_limiter.hpp"
#include "memory/usage_counter.hpp"
#include "postgres/pool/replica_pool.hpp"
#include "postgres/schema/change_feed.hpp"
#include "redis/byte_store.hpp"
#include "redis/client.hpp"
#include "runtime/blocking_lane.hpp"
#include "runtime/event_loops.hpp"
#include "sluice/settings.hpp"
#include "telemetry/metrics.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sluice::app {

class Dependencies {
public:
    /// Connects nothing yet. Settings, loops and metrics outlive it.
    Dependencies(const Settings& settings, runtime::EventLoops& loops, telemetry::Metrics& metrics);
    ~Dependencies();

    /// `on_primary_reached`: called once, on a thread of its own, when the primary first
    /// answers. Waits a few seconds at most for the key exceptions, so that no revoked key is served at the start; not at
    /// all if the primary is away.
    void start(std::function<void()> on_primary_reached);
    /// While the loops still run.
    void stop();

    Database* database() noexcept { return pool_.get(); }
    cache::TwoLevelCache& cache() noexcept { return cache_; }
    const cache::Coherence& coherence() const noexcept { return coherence_; }
    Limits& limits() noexcept { return limits_; }
    const auth::KeyExceptions& key_exceptions() const noexcept { return keys_.known(); }
    Upstreams& upstreams() noexcept { return upstreams_; }
    TokenIssuers& token_issuers() noexcept { return token_issuers_; }

    /// Somebody is to be served by it, as long as it lives: what its tags are made of is learned, and invalidations are kept
    /// as long as its copies may live. Any thread.
    void serve(const std::shared_ptr<Configuration>& configuration);
    /// Of those that are served, before anybody is. Later, or if no server answers, it is done in the background. Blocking.
    void learn_tag_types();

    std::vector<admin::DependencyHealth> health() const;
    /// Sets the gauges that are read when they are asked for.
    void refresh_metrics(TimePoint now);
    admin::PurgeFunction purge_function() { return purges_->function(); }
    /// Null without PostgreSQL: there is no place to record keys.
    const admin::KeyAdministration* key_administration() const noexcept { return key_administration_.get(); }
    /// Counts what keys use; null without PostgreSQL, where it is to stay.
    memory::UsageCounter* usage_counter() noexcept { return usage_flow_ ? &usage_counter_ : nullptr; }
    admin::UsageFunction usage_function();
    /// For the admin API's blocking work. Only with PostgreSQL.
    runtime::BlockingLane& admin_lane() noexcept { return *admin_lane_; }

private:
    admin::DependencyHealth health_of_invalidations(TimePoint now) const;
    void on_poll(const postgres::Poll& poll);
    /// Counts the time in which this process runs, and not that in which it is stopped.
    void count_time(const std::stop_token& stop);
    /// The names in Redis are other ones from now on, known again, or not known. `replaced`: of another database than
    /// before.
    void on_namespace(bool replaced);
    void add_health_of_redis(std::vector<admin::DependencyHealth>& all) const;
    /// Something was changed that every instance should learn of now, not with its next poll.
    void poll_everywhere();
    void on_own_invalidations(const std::vector<policy::Invalidation>& invalidations);
    void on_announcement(const Announcement& said);

    const Settings& settings_;
    runtime::EventLoops& loops_;
    const telemetry::Gauge level_one_bytes_;
    const telemetry::Gauge redis_up_, copies_up_, level_two_bytes_, poll_age_;

    KeyExceptionFeed keys_;
    TokenIssuers token_issuers_;
    Upstreams upstreams_;
    cache::Coherence coherence_;
    memory::UsageCounter usage_counter_;

    std::unique_ptr<redis::Client> redis_;
    std::unique_ptr<redis::Client> redis_of_copies_;
    std::shared_ptr<redis::ByteStore> store_;
    Limits limits_;
    std::unique_ptr<Announcements> announcements_;  // null without Redis

    std::unique_ptr<postgres::ReplicaPool> pool_;
    cache::TwoLevelCache cache_;
    Configurations configurations_;
    std::unique_ptr<PurgeSweep> purge_sweep_;  // null without PostgreSQL: nothing is cached

    std::unique_ptr<runtime::BlockingLane> admin_lane_;  // two at a time are enough for operators
    std::unique_ptr<Purges> purges_;

    std::unique_ptr<RedisNamespace> namespace_;  // null without Redis or without PostgreSQL
    std::function<void()> on_primary_reached_;
    std::jthread first_contact_;
    std::unique_ptr<redis::UsageLog> usage_log_;
    std::unique_ptr<UsageFlow> usage_flow_;
    std::unique_ptr<admin::KeyAdministration> key_administration_;
    std::unique_ptr<TableWatch> table_watch_;  // null without PostgreSQL
    std::jthread time_counter_;
    std::unique_ptr<postgres::ChangeFeed> feed_;  // last: calls into everything above
};

}  // namespace sluice::app

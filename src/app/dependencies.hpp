// Everything the server talks to, built once from the settings, started and stopped in order.
// Hides which ports stand on Redis and PostgreSQL and which in this process.
#pragma once

#include "app/purge_sweep.hpp"
#include "app/redis_namespace.hpp"
#include "app/table_watch.hpp"
#include "app/usage_flow.hpp"
#include "auth/key_exceptions.hpp"
#include "auth/key_refresher.hpp"
#include "auth/token_verifier.hpp"
#include "cache/coherence.hpp"
#include "cache/two_level_cache.hpp"
#include "endpoints/admin.hpp"
#include "endpoints/health.hpp"
#include "endpoints/key_administration.hpp"
#include "endpoints/tag_types.hpp"
#include "memory/rate_limiter.hpp"
#include "memory/usage_counter.hpp"
#include "middleware/rate_limit.hpp"
#include "postgres/change_feed.hpp"
#include "postgres/replica_pool.hpp"
#include "redis/byte_store.hpp"
#include "redis/client.hpp"
#include "redis/leased_rate_limiter.hpp"
#include "redis/live_instances.hpp"
#include "redis/publisher.hpp"
#include "redis/rate_limiter.hpp"
#include "redis/subscriber.hpp"
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

    /// After the last statement was added. `on_primary_reached`: called once, on a thread of its own, when the primary first
    /// answers. Waits a few seconds at most for the key exceptions, so that no revoked key is served at the start; not at
    /// all if the primary is away.
    void start(std::function<void()> on_primary_reached);
    /// While the loops still run.
    void stop();

    Database* database() noexcept { return pool_.get(); }
    cache::TwoLevelCache& cache() noexcept { return cache_; }
    const cache::Coherence& coherence() const noexcept { return coherence_; }
    middleware::RateLimitStep::Stores limit_stores();
    const auth::KeyExceptions& key_exceptions() const noexcept { return key_exceptions_; }
    /// Null: no tokens are accepted.
    auth::TokenVerifier* token_verifier() noexcept { return token_verifier_.get(); }
    /// A token names a key that is not there. From any thread.
    void token_key_missing();

    /// Of the parameters that tags are made of.
    const endpoints::TagTypes& tag_types() const noexcept { return tag_types_; }
    /// Before `start`, if the primary answers: later it is done in the background. Blocking.
    void learn_tag_types();

    std::vector<endpoints::DependencyHealth> health() const;
    /// Sets the gauges that are read when they are asked for.
    void refresh_metrics(TimePoint now);
    endpoints::PurgeFunction purge_function();
    /// Null without PostgreSQL: there is no place to record keys.
    const endpoints::KeyAdministration* key_administration() const noexcept { return key_administration_.get(); }
    /// Counts what keys use; null without PostgreSQL, where it is to stay.
    memory::UsageCounter* usage_counter() noexcept { return usage_flow_ ? &usage_counter_ : nullptr; }
    endpoints::UsageFunction usage_function();
    /// For the admin API's blocking work. Only with PostgreSQL.
    runtime::BlockingLane& admin_lane() noexcept { return *admin_lane_; }

private:
    void make_limiters();
    endpoints::DependencyHealth health_of_invalidations(TimePoint now) const;
    void accept_tokens(const JwtSettings& jwt, telemetry::Metrics& metrics);
    void on_poll(const postgres::Poll& poll);
    void on_keys(const postgres::Poll& poll);
    /// Counts the time in which this process runs, and not that in which it is stopped.
    void count_time(const std::stop_token& stop);
    void first_poll_over();
    void wait_for_first_poll();
    /// The names in Redis are other ones from now on, known again, or not known. `replaced`: of another database than
    /// before.
    void on_namespace(bool replaced);
    /// The channel of the deployment's instances; empty while its name is not known.
    std::string channel() const;
    /// Tells the other instances; lost while the channel is not known or Redis is away.
    void publish(std::string_view message);
    void add_health_of_redis(std::vector<endpoints::DependencyHealth>& all) const;
    /// Something was changed that every instance should learn of now, not with its next poll.
    void poll_everywhere();
    void on_own_invalidations(const std::vector<postgres::Invalidation>& invalidations);
    void on_message(std::string_view message);
    void announce(const std::vector<postgres::Invalidation>& invalidations);
    std::vector<std::string> names_of(const endpoints::Purge& purge) const;
    /// Here and in every instance that Redis reaches.
    void purge(const std::vector<postgres::Invalidation>& purges);
    void on_purge_message(std::string_view text);
    bool record(const endpoints::Purge& purge);

    const Settings& settings_;
    runtime::EventLoops& loops_;
    const telemetry::Gauge level_one_bytes_;
    const telemetry::Gauge redis_up_, copies_up_, level_two_bytes_, poll_age_;

    auth::KeyExceptions key_exceptions_;
    std::optional<auth::KeyExceptionTable> key_exceptions_reread_;  // the feed's thread's, while it reads all of them again
    std::mutex first_poll_mutex_;
    std::condition_variable first_poll_wake_;
    bool first_poll_over_ = false;  // the key exceptions are here, or the primary is away
    std::unique_ptr<auth::TokenVerifier> token_verifier_;
    std::unique_ptr<auth::KeyRefresher> key_refresher_;  // null without file or URL
    cache::Coherence coherence_;
    memory::RateLimiter local_limiter_;
    memory::UsageCounter usage_counter_;

    std::unique_ptr<redis::Client> redis_;
    std::unique_ptr<redis::Client> redis_of_copies_;
    std::unique_ptr<redis::LeasedRateLimiter> leased_limiter_;  // the strategy is one of these two
    std::unique_ptr<redis::RateLimiter> log_limiter_;
    std::unique_ptr<redis::LiveInstances> instances_;
    std::shared_ptr<redis::ByteStore> store_;
    std::unique_ptr<redis::Publisher> publisher_;
    std::unique_ptr<redis::Subscriber> subscriber_;

    std::unique_ptr<postgres::ReplicaPool> pool_;
    cache::TwoLevelCache cache_;
    std::unique_ptr<PurgeSweep> purge_sweep_;  // null without PostgreSQL: nothing is cached

    std::unique_ptr<RedisNamespace> namespace_;  // null without Redis or without PostgreSQL
    std::function<void()> on_primary_reached_;
    std::jthread first_contact_;
    std::unique_ptr<redis::UsageLog> usage_log_;
    std::unique_ptr<UsageFlow> usage_flow_;
    std::unique_ptr<endpoints::KeyAdministration> key_administration_;
    std::unique_ptr<runtime::BlockingLane> admin_lane_;  // two at a time are enough for operators
    endpoints::TagTypes tag_types_;
    std::unique_ptr<TableWatch> table_watch_;  // null without PostgreSQL
    std::jthread time_counter_;
    std::unique_ptr<postgres::ChangeFeed> feed_;  // last: calls into everything above
};

}  // namespace sluice::app

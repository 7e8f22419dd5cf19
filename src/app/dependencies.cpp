#include "app/dependencies.hpp"

#include "app/token_keys.hpp"
#include "postgres/connection/errors.hpp"
#include "runtime/on_lane.hpp"
#include "telemetry/log.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace sluice::app {
namespace {

std::chrono::seconds retention(const Settings& settings) {
    // Beyond twice the longest life of a copy no value can be younger than the row that ends it.
    milliseconds longest{std::chrono::hours{1}};
    for (const auto& route : settings.routes) {
        if (route.cache)
            longest = std::max(longest, route.cache->ttl + std::max(route.cache->stale, route.cache->revalidate));
    }
    return std::chrono::ceil<std::chrono::seconds>(2 * longest);
}

std::string state_of(const postgres::ServerStatus& server, const std::chrono::milliseconds max_lag, bool replica) {
    if (!server.reachable) return "unreachable";
    if (replica && !postgres::is_replica(server.standing)) return "no replica: " + std::string{to_string(server.standing)};
    if (server.breaker == policy::CircuitBreaker::State::open) return "breaker open";
    if (replica && server.lag && *server.lag > max_lag) return "lagging";
    if (!server.takes_writes) return "read-only";
    return "ok";
}

}  // namespace

Dependencies::Dependencies(const Settings& settings, runtime::EventLoops& loops, telemetry::Metrics& metrics)
    : settings_{settings},
      loops_{loops},
      level_one_bytes_{metrics.cache_bytes("l1")},
      redis_up_{settings.redis ? metrics.dependency_up("redis") : telemetry::Gauge{}},
      copies_up_{settings.redis && !settings.redis->cache_url.empty() ? metrics.dependency_up("redis-cache")
                                                                      : telemetry::Gauge{}},
      level_two_bytes_{settings.redis ? metrics.cache_bytes("l2") : telemetry::Gauge{}},
      poll_age_{settings.postgres ? metrics.invalidation_poll_age_seconds() : telemetry::Gauge{}},
      token_issuers_{settings.auth.jwt, metrics},
      upstreams_{settings.upstreams, loops, metrics},
      redis_{settings.redis ? std::make_unique<redis::Client>(loops, *settings.redis, metrics) : nullptr},
      redis_of_copies_{redis_ ? redis::Client::for_copies(*redis_, *settings.redis) : nullptr},
      store_{redis_of_copies_ ? std::make_shared<redis::ByteStore>(*redis_of_copies_) : nullptr},
      limits_{settings.rate_limit, redis_.get()},
      pool_{settings.postgres ? std::make_unique<postgres::ReplicaPool>(
                                    *settings.postgres, metrics,
                                    [this](const std::vector<policy::Invalidation>& rows) { on_own_invalidations(rows); },
                                    loops.serving_executors())
                              : nullptr},
      cache_{{settings.cache.l1_bytes, settings.cache.l2_bytes}, store_, coherence_, metrics} {
    if (redis_) {
        const auto missed = [this] {
            if (feed_) feed_->poke();
        };
        announcements_ = std::make_unique<Announcements>(
            loops, *settings.redis, *redis_, !settings.postgres,
            Announcements::Events{[this](const Announcement& said) { on_announcement(said); }, missed});
    }
    if (settings.postgres) {
        admin_lane_ = std::make_unique<runtime::BlockingLane>(2, 64);
        purge_sweep_ = std::make_unique<PurgeSweep>(cache_, store_, loops.background().executor());
    }
    purges_ = std::make_unique<Purges>(
        Purges::Parts{settings, coherence_, configurations_, announcements_.get(), purge_sweep_.get(), admin_lane_.get()});
    if (!settings.postgres) {
        coherence_.disable();
        return;
    }
    key_administration_ = std::make_unique<admin::KeyAdministration>(settings.postgres->primary, settings.auth.key_secrets,
                                                                     settings.tiers, [this] { poll_everywhere(); });
    if (redis_) {
        RedisNamespace::Settings names;
        names.servers.push_back(settings.postgres->primary);
        for (const auto& replica : settings.postgres->replicas) names.servers.push_back(replica.url);
        names.prefix = settings.redis->prefix;
        names.settle = settings.postgres->timeout;
        namespace_ =
            std::make_unique<RedisNamespace>(std::move(names), *redis_, [this](bool replaced) { on_namespace(replaced); });
    }
    if (redis_) usage_log_ = std::make_unique<redis::UsageLog>(*redis_);
    usage_flow_ = std::make_unique<UsageFlow>(UsageFlow::Settings{settings.postgres->primary}, usage_counter_,
                                              usage_log_.get(), loops, metrics);
    const auto outdate = [this](std::span<const std::string> tags, std::uint64_t xmax) {
        if (coherence_.enabled()) coherence_.outdate(tags, xmax, Clock::now());
    };
    table_watch_ = std::make_unique<TableWatch>(settings, configurations_, outdate);
    postgres::ChangeFeed::Settings feed;
    feed.url = settings.postgres->primary;
    feed_ = std::make_unique<postgres::ChangeFeed>(
        std::move(feed), [this](const postgres::Poll& poll) { on_poll(poll); },
        [this](const std::exception& error) {
            if (postgres::says_no_room(error)) pool_->make_room(error.what());
            if (!coherence_.last_poll_sent()) keys_.first_over();  // the primary is away; else the reading goes on
        });
}

Dependencies::~Dependencies() = default;

void Dependencies::start(std::function<void()> on_primary_reached) {
    on_primary_reached_ = std::move(on_primary_reached);
    if (redis_) {
        redis_->on_another_server([this] { announcements_->reconnect(); });
        redis_->start();
        redis_of_copies_->start();
        announcements_->start();
        limits_.start();
    } else {
        log::warning("no_redis", {{"detail", "limits and cache are this instance's own, right for one instance only"}});
    }
    upstreams_.start();
    if (pool_) pool_->start();
    if (namespace_) namespace_->start();
    if (usage_flow_) usage_flow_->start();
    if (purge_sweep_) purge_sweep_->start();
    if (feed_) {
        feed_->start();
        time_counter_ = std::jthread{[this](const std::stop_token& stop) { count_time(stop); }};
        table_watch_->start();
        constexpr auto patience = std::chrono::seconds{5};
        if (!keys_.wait_for_first(Deadline::after(Clock::now(), patience)))
            log::warning("key_exceptions_not_read", {{"detail", "a revoked key may be served until they are"}});
    }
    token_issuers_.start();  // last: it waits a moment, in which the others connect
}

void Dependencies::stop() {
    token_issuers_.stop();
    if (namespace_) namespace_->stop();  // the feed may wait for it
    if (feed_) feed_->stop();
    if (table_watch_) table_watch_->stop();
    time_counter_ = {};
    if (usage_flow_) usage_flow_->stop();  // while Redis and the primary can still be told
    if (announcements_) announcements_->stop();
    limits_.stop();
    if (purge_sweep_) purge_sweep_->request_stop();
    admin_lane_.reset();
    upstreams_.stop();
    if (pool_) pool_->stop();
    if (redis_of_copies_) redis_of_copies_->stop();
    if (redis_) redis_->stop();
    if (purge_sweep_) purge_sweep_->stop();
    if (first_contact_.joinable()) first_contact_.join();
}

void Dependencies::serve(const std::shared_ptr<Configuration>& configuration) {
    configurations_.add(configuration);
    if (feed_) feed_->keep_for(retention(configuration->settings));
}

void Dependencies::learn_tag_types() {
    if (table_watch_) table_watch_->learn_types();
}

void Dependencies::count_time(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock{mutex};
    while (!stop.stop_requested()) {
        wake.wait_for(lock, stop, cache::Coherence::tick_interval, [] { return false; });
        if (!coherence_.tick()) continue;
        log::warning("polls_fail", {{"reason", "the primary has not answered one in time: copies may be older meanwhile"}});
    }
}

void Dependencies::on_poll(const postgres::Poll& poll) {
    if (namespace_) namespace_->primary_is(poll.identity);  // first: by it we know whose copies we read
    if (coherence_.last_poll_sent() && coherence_.polls_fail()) log::info("polls_answered", {});
    coherence_.learn(poll);
    const auto purges = [](const policy::Invalidation& row) { return row.purge; };
    if (std::any_of(poll.invalidations.begin(), poll.invalidations.end(), purges)) purge_sweep_->drop_held();
    pool_->primary_polled(poll);
    if (poll.coherent) {
        keys_.take(poll);
    } else {
        keys_.first_over();
    }
    if (on_primary_reached_) first_contact_ = std::jthread{std::exchange(on_primary_reached_, nullptr)};
}

void Dependencies::poll_everywhere() {
    feed_->poke();
    if (announcements_) announcements_->publish("poll");
}

void Dependencies::on_namespace(bool replaced) {
    announcements_->listen_again();
    limits_.renamed();
    if (!replaced) return;
    limits_.forget();
    cache_.level_one().clear();
}

void Dependencies::on_own_invalidations(const std::vector<policy::Invalidation>& invalidations) {
    coherence_.learn(invalidations, Clock::now());
    // Of what triggers wrote, nobody has told us.
    if (!settings_.tables.empty() && coherence_.enabled()) return poll_everywhere();
    if (!invalidations.empty() && announcements_) announcements_->announce(invalidations, coherence_.enabled());
}

void Dependencies::on_announcement(const Announcement& said) {
    if (said.poll && feed_) feed_->poke();
    if (!said.invalidation) return;
    if (said.invalidation->purge) return purges_->hear(*said.invalidation, said.history);
    coherence_.learn({&*said.invalidation, 1}, Clock::now());
}

std::vector<admin::DependencyHealth> Dependencies::health() const {
    std::vector<admin::DependencyHealth> all;
    if (pool_) {
        const auto servers = pool_->status();
        for (std::size_t i = 0; i < servers.size(); ++i) {
            auto state = state_of(servers[i], settings_.postgres->max_lag, i > 0);
            all.push_back({servers[i].name, state == "ok", std::move(state)});
        }
    }
    if (feed_) all.push_back(health_of_invalidations(Clock::now()));
    if (table_watch_ && table_watch_->has_tables()) {
        auto state = table_watch_->state();
        all.push_back({"tables", state.healthy, std::move(state.text)});
    }
    if (redis_) add_health_of_redis(all);
    for (auto& service : upstreams_.health()) all.push_back(std::move(service));
    for (auto& keys : token_issuers_.health()) all.push_back(std::move(keys));
    return all;
}

// One Redis is one dependency, however many connections lead to it.
void Dependencies::add_health_of_redis(std::vector<admin::DependencyHealth>& all) const {
    auto state = redis_->state();
    auto of_copies = redis_of_copies_->state();
    const bool apart = !settings_.redis->cache_url.empty();
    if (state == "ok" && !apart) state = of_copies;
    if (state == "ok" && namespace_) state = namespace_->state();
    all.push_back({"redis", state == "ok", std::move(state)});
    if (apart) all.push_back({"redis-cache", of_copies == "ok", std::move(of_copies)});
}

admin::DependencyHealth Dependencies::health_of_invalidations(TimePoint now) const {
    constexpr auto late = std::chrono::seconds{1};  // ten polls
    const auto sent = coherence_.last_poll_sent();
    if (!sent || now - *sent > late) return {"invalidations", false, "polls fail"};
    // Without the schema nothing is wrong that was not chosen; but it should be seen.
    return {"invalidations", true, coherence_.enabled() ? "ok" : "no schema sluice: ttl only"};
}

void Dependencies::refresh_metrics(TimePoint now) {
    upstreams_.refresh_metrics(now);
    level_one_bytes_.set(static_cast<double>(cache_.level_one().bytes()));
    if (redis_) redis_up_.set(redis_->state() == "ok" ? 1 : 0);
    if (redis_) copies_up_.set(redis_of_copies_->state() == "ok" ? 1 : 0);
    level_two_bytes_.set(static_cast<double>(cache_.level_two_bytes()));
    const auto sent = coherence_.last_poll_sent();
    poll_age_.set(sent ? std::chrono::duration<double>(now - *sent).count() : std::numeric_limits<double>::quiet_NaN());
}

admin::UsageFunction Dependencies::usage_function() {
    return [this](Executor executor, std::string key, unsigned days, Deadline deadline) {
        return read_usage(settings_.postgres->primary, usage_log_.get(), *admin_lane_, executor, std::move(key), days,
                          deadline);
    };
}

}  // namespace sluice::app

#include "app/dependencies.hpp"

#include "app/token_keys.hpp"
#include "postgres/errors.hpp"
#include "runtime/on_lane.hpp"
#include "telemetry/log.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace sluice::app {
namespace {

using Kind = postgres::Invalidation::Kind;

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
      redis_{settings.redis ? std::make_unique<redis::Client>(loops, *settings.redis, metrics) : nullptr},
      redis_of_copies_{redis_ ? redis::Client::for_copies(*redis_, *settings.redis) : nullptr},
      store_{redis_of_copies_ ? std::make_shared<redis::ByteStore>(*redis_of_copies_) : nullptr},
      publisher_{redis_ ? std::make_unique<redis::Publisher>(*redis_) : nullptr},
      subscriber_{redis_ ? std::make_unique<redis::Subscriber>(
                               loops, *settings.redis, settings.postgres ? std::string{} : channel(),
                               [this](std::string_view message) { on_message(message); },
                               [this] {
                                   if (feed_) feed_->poke();  // what was said meanwhile is lost: look for ourselves
                               })
                         : nullptr},
      pool_{settings.postgres ? std::make_unique<postgres::ReplicaPool>(
                                    *settings.postgres, metrics,
                                    [this](const std::vector<postgres::Invalidation>& rows) { on_own_invalidations(rows); },
                                    loops.serving_executors())
                              : nullptr},
      cache_{{settings.cache.l1_bytes, settings.cache.l2_bytes}, store_, coherence_, metrics} {
    if (redis_) make_limiters();
    if (settings.auth.jwt) accept_tokens(*settings.auth.jwt, metrics);
    if (!settings.postgres) {
        coherence_.disable();
        return;
    }
    admin_lane_ = std::make_unique<runtime::BlockingLane>(2, 64);
    purge_sweep_ = std::make_unique<PurgeSweep>(cache_, store_, loops.background().executor());
    key_administration_ = std::make_unique<endpoints::KeyAdministration>(
        settings.postgres->primary, settings.auth.key_secrets, settings.tiers, [this] { poll_everywhere(); });
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
    table_watch_ = std::make_unique<TableWatch>(settings, tag_types_, outdate);
    postgres::ChangeFeed::Settings feed;
    feed.url = settings.postgres->primary;
    feed.retention = retention(settings);
    feed_ = std::make_unique<postgres::ChangeFeed>(
        std::move(feed), [this](const postgres::Poll& poll) { on_poll(poll); },
        [this](const std::exception& error) {
            if (postgres::says_no_room(error)) pool_->make_room(error.what());
            if (!coherence_.last_poll_sent()) first_poll_over();  // the primary is away; else the reading goes on
        });
}

Dependencies::~Dependencies() = default;

void Dependencies::make_limiters() {
    if (settings_.rate_limit.strategy == RateLimitSettings::Strategy::leased) {
        leased_limiter_ = std::make_unique<redis::LeasedRateLimiter>(*redis_);
    } else {
        log_limiter_ = std::make_unique<redis::RateLimiter>(*redis_);
    }
    // What was admitted while Redis was away is charged as soon as it is back.
    auto charge = [this]() -> awaitable<void> {
        if (leased_limiter_) co_await leased_limiter_->charge();
    };
    instances_ = std::make_unique<redis::LiveInstances>(*redis_, settings_.rate_limit.expected_instances, std::move(charge));
}

middleware::RateLimitStep::Stores Dependencies::limit_stores() {
    RateLimiter* shared = log_limiter_.get();
    if (leased_limiter_) shared = leased_limiter_.get();
    return {shared, local_limiter_, [this] { return instances_ ? instances_->count() : 1U; }};
}

void Dependencies::accept_tokens(const JwtSettings& jwt, telemetry::Metrics& metrics) {
    token_verifier_ = std::make_unique<auth::TokenVerifier>(jwt_rules(jwt));
    if (jwt.hs256_secret.empty()) {
        key_refresher_ =
            std::make_unique<auth::KeyRefresher>(refresher_settings(jwt), key_fetch(jwt), *token_verifier_, metrics);
        return;
    }
    auto keys = load_keys(jwt);
    if (keys) token_verifier_->replace(std::move(*keys));  // else check_jwt has said so
}

void Dependencies::token_key_missing() {
    if (key_refresher_) key_refresher_->key_missing();
}

void Dependencies::start(std::function<void()> on_primary_reached) {
    on_primary_reached_ = std::move(on_primary_reached);
    if (redis_) {
        redis_->on_another_server([this] { subscriber_->reconnect(); });
        redis_->start();
        redis_of_copies_->start();
        subscriber_->start();
        instances_->start();
    } else {
        log::warning("no redis: limits and cache are this instance's own, right for one instance only");
    }
    if (pool_) pool_->start();
    if (namespace_) namespace_->start();
    if (usage_flow_) usage_flow_->start();
    if (purge_sweep_) purge_sweep_->start();
    if (feed_) {
        feed_->start();
        time_counter_ = std::jthread{[this](const std::stop_token& stop) { count_time(stop); }};
        table_watch_->start();
        wait_for_first_poll();
    }
    if (key_refresher_) key_refresher_->start();  // last: it waits a moment, in which the others connect
}

void Dependencies::stop() {
    if (key_refresher_) key_refresher_->stop();
    if (namespace_) namespace_->stop();  // the feed may wait for it
    if (feed_) feed_->stop();
    if (table_watch_) table_watch_->stop();
    time_counter_ = {};
    if (usage_flow_) usage_flow_->stop();  // while Redis and the primary can still be told
    if (subscriber_) subscriber_->stop();
    if (instances_) instances_->stop();
    if (purge_sweep_) purge_sweep_->request_stop();
    admin_lane_.reset();
    if (pool_) pool_->stop();
    if (redis_of_copies_) redis_of_copies_->stop();
    if (redis_) redis_->stop();
    if (purge_sweep_) purge_sweep_->stop();
    if (first_contact_.joinable()) first_contact_.join();
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
    const auto purges = [](const postgres::Invalidation& row) { return row.purge; };
    if (std::any_of(poll.invalidations.begin(), poll.invalidations.end(), purges)) purge_sweep_->drop_held();
    pool_->primary_polled(poll);
    if (poll.coherent) on_keys(poll);
    if (!poll.coherent || poll.keys_complete) first_poll_over();
    if (on_primary_reached_) first_contact_ = std::jthread{std::exchange(on_primary_reached_, nullptr)};
}

void Dependencies::on_keys(const postgres::Poll& poll) {
    // What a reading from the start no longer names is as it says again. Until it is complete the old ones hold as well.
    if (poll.keys_from_start && key_exceptions_.size() > 0) key_exceptions_reread_.emplace();
    for (const auto& key : poll.keys) {
        const auth::KeyException exception{key.revoked_from, key.tier};
        key_exceptions_.apply(key.id, exception);
        if (key_exceptions_reread_) key_exceptions_reread_->apply(key.id, exception);
    }
    if (poll.keys_complete && key_exceptions_reread_) {
        key_exceptions_.replace(std::move(*key_exceptions_reread_));
        key_exceptions_reread_.reset();
    }
}

void Dependencies::first_poll_over() {
    {
        const std::lock_guard lock{first_poll_mutex_};
        first_poll_over_ = true;
    }
    first_poll_wake_.notify_all();
}

void Dependencies::wait_for_first_poll() {
    constexpr auto patience = std::chrono::seconds{5};
    std::unique_lock lock{first_poll_mutex_};
    if (first_poll_wake_.wait_for(lock, patience, [this] { return first_poll_over_; })) return;
    log::warning("the key exceptions are not read yet: a revoked key may be served until they are");
}

void Dependencies::poll_everywhere() {
    feed_->poke();
    publish("poll");
}

void Dependencies::on_namespace(bool replaced) {
    subscriber_->listen(channel());
    instances_->beat_now();
    if (!replaced) return;
    if (leased_limiter_) leased_limiter_->forget();
    cache_.level_one().clear();
}

// `poll`: there is something new in the database. `tag …`, `glob …`: without a database that keeps invalidations, the
// message itself is the invalidation, and may be lost. `purge KIND HISTORY XID …`: an operator's, with its transaction once
// that is known, so that it arrives also while the database does not answer. Older instances do not know it: what they know
// is said as well.
std::string Dependencies::channel() const {
    const auto stem = redis_->keys().stem();
    return stem ? *stem + "changes" : std::string{};
}

void Dependencies::publish(std::string_view message) {
    if (!publisher_) return;
    if (const auto to = channel(); !to.empty()) publisher_->publish(to, message);
}

void Dependencies::on_own_invalidations(const std::vector<postgres::Invalidation>& invalidations) {
    coherence_.learn(invalidations, Clock::now());
    // Of what triggers wrote, nobody has told us.
    if (!settings_.tables.empty() && coherence_.enabled()) return poll_everywhere();
    if (!invalidations.empty()) announce(invalidations);
}

void Dependencies::announce(const std::vector<postgres::Invalidation>& invalidations) {
    if (!publisher_) return;
    if (coherence_.enabled()) {
        publish("poll");
        return;
    }
    for (const auto& invalidation : invalidations) {
        const std::string name = invalidation.kind == Kind::all ? "*" : invalidation.name;
        publish((invalidation.kind == Kind::tag ? "tag " : "glob ") + name);
    }
}

void Dependencies::on_message(std::string_view message) {
    if (message == "poll") {
        if (feed_) feed_->poke();
        return;
    }
    const auto space = message.find(' ');
    if (space == message.npos) return;
    if (message.starts_with("purge ")) return on_purge_message(message.substr(space + 1));
    const auto kind = message.substr(0, space);
    if (kind != "tag" && kind != "glob") return;
    const postgres::Invalidation heard{0, 0, kind == "tag" ? Kind::tag : Kind::glob, std::string{message.substr(space + 1)}};
    coherence_.learn({&heard, 1}, Clock::now());
}

std::vector<endpoints::DependencyHealth> Dependencies::health() const {
    std::vector<endpoints::DependencyHealth> all;
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
    if (key_refresher_) {
        auto state = key_refresher_->state();
        all.push_back({"jwks", state == "ok", std::move(state)});
    }
    return all;
}

// One Redis is one dependency, however many connections lead to it.
void Dependencies::add_health_of_redis(std::vector<endpoints::DependencyHealth>& all) const {
    auto state = redis_->state();
    auto of_copies = redis_of_copies_->state();
    const bool apart = !settings_.redis->cache_url.empty();
    if (state == "ok" && !apart) state = of_copies;
    if (state == "ok" && namespace_) state = namespace_->state();
    all.push_back({"redis", state == "ok", std::move(state)});
    if (apart) all.push_back({"redis-cache", of_copies == "ok", std::move(of_copies)});
}

endpoints::DependencyHealth Dependencies::health_of_invalidations(TimePoint now) const {
    constexpr auto late = std::chrono::seconds{1};  // ten polls
    const auto sent = coherence_.last_poll_sent();
    if (!sent || now - *sent > late) return {"invalidations", false, "polls fail"};
    // Without the schema nothing is wrong that was not chosen; but it should be seen.
    return {"invalidations", true, coherence_.enabled() ? "ok" : "no schema sluice: ttl only"};
}

void Dependencies::refresh_metrics(TimePoint now) {
    level_one_bytes_.set(static_cast<double>(cache_.level_one().bytes()));
    if (redis_) redis_up_.set(redis_->state() == "ok" ? 1 : 0);
    if (redis_) copies_up_.set(redis_of_copies_->state() == "ok" ? 1 : 0);
    level_two_bytes_.set(static_cast<double>(cache_.level_two_bytes()));
    const auto sent = coherence_.last_poll_sent();
    poll_age_.set(sent ? std::chrono::duration<double>(now - *sent).count() : std::numeric_limits<double>::quiet_NaN());
}

endpoints::UsageFunction Dependencies::usage_function() {
    return [this](Executor executor, std::string key, unsigned days, Deadline deadline) {
        return read_usage(settings_.postgres->primary, usage_log_.get(), *admin_lane_, executor, std::move(key), days,
                          deadline);
    };
}

}  // namespace sluice::app

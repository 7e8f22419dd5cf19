#include "cache/two_level_cache.hpp"

#include "cache/value_codec.hpp"
#include "telemetry/log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace sluice::cache {
namespace {

/// A request joins a load only if that was started this recently: its answer is then within the freshness bound.
constexpr auto join_window = std::chrono::milliseconds{500};

}  // namespace

bool may_stand_in(const DatabaseError& error) noexcept {
    if (error.kind != DatabaseError::Kind::rejected) return true;
    // Insufficient resources, operator intervention, system error, internal error: the server's trouble, not the request's.
    const std::string_view state = error.sqlstate;
    return state.starts_with("53") || state.starts_with("57") || state.starts_with("58") || state.starts_with("XX");
}

TwoLevelCache::TwoLevelCache(std::size_t level_one_bytes, std::shared_ptr<ByteStore> store, Coherence& coherence,
                             telemetry::Metrics& metrics)
    : coherence_{coherence},
      level_one_{level_one_bytes},
      store_{std::move(store)},
      counters_{metrics.cache_requests("l1", "hit"),   metrics.cache_requests("l1", "miss"),
                metrics.cache_requests("l1", "stale"), metrics.cache_requests("l2", "hit"),
                metrics.cache_requests("l2", "miss"),  metrics.cache_requests("l2", "stale"),
                metrics.cache_requests("l2", "error")} {}

TwoLevelCache::FlightShard& TwoLevelCache::shard_of(const std::string& key) {
    return flights_[std::hash<std::string>{}(key) % flights_.size()];
}

ValuePointer TwoLevelCache::find(std::string_view key, TimePoint now) {
    auto value = level_one_.find(key);
    if (value && coherence_.judge(*value, now) == policy::Freshness::fresh) {
        counters_.l1_hit.add();
        return value;
    }
    (value ? counters_.l1_stale : counters_.l1_miss).add();
    return nullptr;
}

awaitable<Answer> TwoLevelCache::load(Executor executor, Wanted wanted, Deadline deadline) {
    const auto shared = std::make_shared<const Wanted>(std::move(wanted));
    const runtime::OneShot<Answer> arrival{executor};
    std::shared_ptr<Flight> mine;
    std::optional<runtime::Gate::Pass> pass;
    {
        auto& shard = shard_of(shared->key);
        const std::lock_guard lock{shard.mutex};
        auto& flight = shard.flights[shared->key];
        if (!flight || Clock::now() - flight->started > join_window) {
            pass = gate_.enter();
            if (!pass) {
                shard.flights.erase(shared->key);
                co_return stand_in(*shared, nullptr, {DatabaseError::Kind::unavailable, {}, "the server is stopping"});
            }
            flight = mine = std::make_shared<Flight>();
            flight->started = Clock::now();
        }
        flight->waiters.push_back(arrival);
    }
    if (mine) {
        boost::asio::co_spawn(executor, fly(mine, shared, std::move(*pass)), boost::asio::detached);
    }
    auto answer = co_await arrival.wait(deadline);
    if (!answer) {
        co_return stand_in(*shared, nullptr, {DatabaseError::Kind::timed_out, {}, "the deadline passed while loading"});
    }
    if (!mine && answer->how == Answer::How::loaded) answer->how = Answer::How::collapsed;
    co_return std::move(*answer);
}

awaitable<void> TwoLevelCache::fly(std::shared_ptr<Flight> flight, std::shared_ptr<const Wanted> wanted,
                                   runtime::Gate::Pass pass) {
    Answer answer;
    try {
        answer = co_await obtain(*wanted);
    } catch (const std::exception& error) {
        log::error("a cache load threw", {{"path", wanted->path}, {"error", error.what()}});
        answer = stand_in(*wanted, nullptr, {DatabaseError::Kind::rejected, "XX000", error.what()});
    }
    land(*wanted, *flight, answer);
    if (answer.how == Answer::How::loaded && store_) {
        // After the waiters have their answer: the shared copy is for others.
        auto encoded = encode(*answer.value, Clock::now());
        if (encoded.lifetime > std::chrono::milliseconds{0}) {
            const auto deadline = Deadline::after(Clock::now(), std::chrono::seconds{1});
            static_cast<void>(co_await store_->put(wanted->key, std::move(encoded.bytes), encoded.lifetime, deadline));
        }
    }
    static_cast<void>(pass);
}

void TwoLevelCache::land(const Wanted& wanted, Flight& flight, const Answer& answer) {
    std::vector<runtime::OneShot<Answer>> waiters;
    {
        auto& shard = shard_of(wanted.key);
        const std::lock_guard lock{shard.mutex};
        const auto found = shard.flights.find(wanted.key);
        if (found != shard.flights.end() && found->second.get() == &flight) shard.flights.erase(found);
        waiters.swap(flight.waiters);
    }
    for (const auto& waiter : waiters) waiter.set(answer);
}

awaitable<Answer> TwoLevelCache::obtain(const Wanted& wanted) {
    const auto deadline = Deadline::after(Clock::now(), wanted.patience);
    ValuePointer candidate;
    if (store_) {
        candidate = co_await find_in_store(wanted, deadline);
        if (candidate && coherence_.judge(*candidate, Clock::now()) == policy::Freshness::fresh) {
            counters_.l2_hit.add();
            level_one_.put(wanted.key, candidate);
            co_return Answer{Answer::How::level_two, std::move(candidate), {}};
        }
        if (candidate) counters_.l2_stale.add();
    }

    auto started = Clock::now();
    auto loaded = co_await wanted.load(false, deadline);
    if (loaded.has_value() && loaded->found) {
        auto value = keep(wanted, std::move(*loaded), started);
        if (loaded->from_primary || coherence_.judge(*value, Clock::now()) == policy::Freshness::fresh) {
            co_return Answer{Answer::How::loaded, std::move(value), {}};
        }
        // The replica had not yet replayed an invalidation that we know of.
        candidate = std::move(value);
        started = Clock::now();
        loaded = co_await wanted.load(true, deadline);
        if (loaded.has_value() && loaded->found) {
            co_return Answer{Answer::How::loaded, keep(wanted, std::move(*loaded), started), {}};
        }
    } else if (loaded.has_value() && !loaded->from_primary && !wanted.tags.empty() && coherence_.enabled()) {
        // A replica that lags may lack what was just written. If the primary cannot say, the replica's word stands.
        auto again = co_await wanted.load(true, deadline);
        if (again.has_value() || !may_stand_in(again.error())) loaded = std::move(again);
        if (loaded.has_value() && loaded->found) {
            co_return Answer{Answer::How::loaded, keep(wanted, std::move(*loaded), started), {}};
        }
    }
    if (loaded.has_value()) {
        level_one_.erase(wanted.key);
        co_return Answer{Answer::How::absent, nullptr, {}};
    }
    co_return stand_in(wanted, std::move(candidate), std::move(loaded).error());
}

awaitable<ValuePointer> TwoLevelCache::find_in_store(const Wanted& wanted, Deadline deadline) {
    const auto stored = co_await store_->get(wanted.key, deadline);
    if (stored.status == StoreStatus::unavailable) counters_.l2_error.add();
    if (stored.status == StoreStatus::missing) counters_.l2_miss.add();
    if (stored.status != StoreStatus::found) co_return nullptr;
    auto value = decode(stored.bytes, stored.remaining, Clock::now());
    if (!value) {
        counters_.l2_error.add();
        co_return nullptr;
    }
    value->tags = wanted.tags;
    value->path = wanted.path;
    co_return value;
}

ValuePointer TwoLevelCache::keep(const Wanted& wanted, Loaded loaded, TimePoint started) {
    auto value = std::make_shared<CachedValue>();
    value->etag = strong_etag(loaded.body);
    value->body = std::move(loaded.body);
    value->loaded_at = started;
    value->ttl = wanted.ttl;
    value->stale = wanted.stale;
    value->tags = wanted.tags;
    value->path = wanted.path;
    value->label = std::move(loaded.label);
    value->timeline = coherence_.timeline();
    level_one_.put(wanted.key, value);
    return value;
}

Answer TwoLevelCache::stand_in(const Wanted& wanted, ValuePointer candidate, DatabaseError error) {
    if (may_stand_in(error)) {
        const auto now = Clock::now();
        // The younger of what we hold.
        if (auto mine = level_one_.find(wanted.key); mine && (!candidate || mine->loaded_at > candidate->loaded_at)) {
            candidate = std::move(mine);
        }
        if (candidate && coherence_.judge(*candidate, now) != policy::Freshness::unusable) {
            if (!level_one_.find(wanted.key)) level_one_.put(wanted.key, candidate);
            return Answer{Answer::How::stale, std::move(candidate), std::move(error)};
        }
    }
    return Answer{Answer::How::failed, nullptr, std::move(error)};
}

bool TwoLevelCache::drain(Deadline deadline) {
    gate_.close();
    return gate_.wait_empty(deadline);
}

}  // namespace sluice::cache

#include "cache/two_level_cache.hpp"

#include "cache/compression.hpp"
#include "cache/value_codec.hpp"
#include "policy/early_refresh.hpp"
#include "runtime/random_bits.hpp"
#include "runtime/random_name.hpp"
#include "runtime/timer_sweep.hpp"
#include "telemetry/log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <array>
#include <limits>

namespace sluice::cache {
namespace {

/// A request joins a load only if that was started this recently: its answer is then within the freshness bound.
constexpr auto join_window = std::chrono::milliseconds{500};
/// A refresh that failed, or takes long, is not tried again by the next reader.
constexpr Duration refresh_again_after = std::chrono::seconds{1};
/// How long one instance may keep the others from loading: beyond it, it is taken for gone.
constexpr auto fill_lock_life = std::chrono::milliseconds{500};
constexpr auto look_again_after = std::chrono::milliseconds{10};
/// What stands in the place of nothing, so that a copy is well formed.
constexpr auto absent_body = R"({"data":null})";
/// The store tells a copy's age no more exactly than this.
constexpr auto same_load = std::chrono::milliseconds{100};

/// Who asks for what is after a position joins only loads that were started for it.
std::string flight_name(const Wanted& wanted) {
    if (!wanted.after) return wanted.key;
    return wanted.key + "\nafter " + std::to_string(wanted.after->history) + ':' +
           std::to_string(wanted.after->snapshot.xmax) + ':' + std::to_string(wanted.after->lsn);
}

/// What is not stored with a copy, since whoever asks for it knows it.
void take_from(const Wanted& wanted, CachedValue& value) {
    value.grace = wanted.grace;
    value.tags = wanted.tags;
    value.path = wanted.path;
    value.headers.append(wanted.headers);
}

/// Once.
bool asks_to_prolong(const CachedValue& value, TimePoint now) {
    constexpr auto never = std::numeric_limits<Duration::rep>::max();
    auto& from = value.stored.prolong_from;
    return now.time_since_epoch().count() >= from.load(std::memory_order_relaxed) &&
           from.exchange(never, std::memory_order_relaxed) != never;
}

Answer just_loaded(ValuePointer value, std::shared_ptr<const void> memory) {
    return {Answer::How::loaded, std::move(value), {}, TimePoint::max(), std::move(memory)};
}

/// From (0, 1], 53 bits.
double uniform() { return (static_cast<double>(runtime::random_bits() >> 11) + 1.0) * 0x1.0p-53; }

}  // namespace

TwoLevelCache::TwoLevelCache(Budgets budgets, std::shared_ptr<ByteStore> store, Coherence& coherence,
                             telemetry::Metrics& metrics)
    : coherence_{coherence},
      level_one_{budgets.level_one},
      store_{std::move(store)},
      copies_{store_ ? std::make_unique<SharedCopies>(store_, budgets.level_two, level_one_.largest(), metrics) : nullptr},
      name_{runtime::random_name()},
      counters_{metrics.cache_requests("l1", "hit"),   metrics.cache_requests("l1", "miss"),
                metrics.cache_requests("l1", "stale"), metrics.cache_requests("l2", "hit"),
                metrics.cache_requests("l2", "miss"),  metrics.cache_requests("l2", "stale"),
                metrics.cache_requests("l2", "error")},
      too_large_{metrics.cache_not_kept("l1", "size")} {}

TwoLevelCache::FlightShard& TwoLevelCache::shard_of(const std::string& key) {
    return flights_[std::hash<std::string>{}(key) % flights_.size()];
}

bool TwoLevelCache::asks_for_refresh(const CachedValue& value, policy::Freshness verdict, TimePoint now) {
    const Duration remaining = value.loaded_at + value.ttl - now;
    const bool due = verdict == policy::Freshness::refresh || (remaining <= policy::earliest_refresh * value.cost &&
                                                               policy::refresh_early(remaining, value.cost, uniform()));
    if (!due) return false;
    const auto tick = now.time_since_epoch().count();
    auto from = value.refresh_from.load(std::memory_order_relaxed);
    return tick >= from &&
           value.refresh_from.compare_exchange_strong(from, tick + refresh_again_after.count(), std::memory_order_relaxed);
}

TwoLevelCache::Hit TwoLevelCache::find(std::string_view key, const Coherence::Look& look,
                                       const std::optional<HistoryPosition>& after) {
    auto value = level_one_.find(key);
    if (value) {
        const auto now = look.now;
        const auto verdict = coherence_.judge(*value, look);
        if (policy::may_be_served(verdict) && has_all_before(*value, after)) {
            counters_.l1_hit.add();
            const bool refresh = asks_for_refresh(*value, verdict, now);
            const bool prolong = asks_to_prolong(*value, now);
            return {std::move(value), refresh, prolong};
        }
    }
    (value ? counters_.l1_stale : counters_.l1_miss).add();
    return {};
}

void TwoLevelCache::refresh(Executor executor, Wanted wanted, const CachedValue& old) {
    auto flight = std::make_shared<Flight>();
    flight->started = Clock::now();
    flight->refreshes = old.loaded_at;
    auto shared = std::make_shared<const Wanted>(std::move(wanted));
    auto pass = gate_.enter();
    if (!pass) return;
    {
        auto& shard = shard_of(shared->key);
        const std::lock_guard lock{shard.mutex};
        if (!shard.flights.try_emplace(shared->key, flight).second) return;
    }
    boost::asio::co_spawn(executor, fly(executor, std::move(flight), std::move(shared), std::move(*pass)),
                          boost::asio::detached);
}

awaitable<Answer> TwoLevelCache::load(Executor executor, Wanted wanted, Deadline deadline) {
    const auto shared = std::make_shared<const Wanted>(std::move(wanted));
    const runtime::OneShot<Answer> arrival{executor};
    std::shared_ptr<Flight> mine;
    std::optional<runtime::Gate::Pass> pass;
    const auto name = flight_name(*shared);
    const auto asked = Clock::now();
    {
        auto& shard = shard_of(name);
        const std::lock_guard lock{shard.mutex};
        auto& flight = shard.flights[name];
        // What began before a purge may bring what was purged.
        if (!flight || Clock::now() - flight->started > join_window || flight->started <= coherence_.last_purge()) {
            pass = gate_.enter();
            if (!pass) {
                shard.flights.erase(name);
                co_return stand_in(*shared, nullptr, {Failure::Cause::stopping});
            }
            flight = mine = std::make_shared<Flight>();
            flight->started = Clock::now();
        }
        flight->waiters.push_back(arrival);
    }
    if (mine) {
        boost::asio::co_spawn(executor, fly(executor, mine, shared, std::move(*pass)), boost::asio::detached);
    }
    auto answer = co_await arrival.wait(deadline);
    if (!answer) {
        co_return stand_in(*shared, nullptr, {Failure::Cause::timed_out});
    }
    if (!mine && answer->judged < asked && !policy::may_be_served(coherence_.judge(*answer->value, asked))) {
        // It was found fresh before this request joined, but landed late: the process was stopped in between.
        co_return co_await load(executor, *shared, deadline);
    }
    if (!mine && answer->how == Answer::How::loaded) answer->how = Answer::How::collapsed;
    co_return std::move(*answer);
}

awaitable<const CodedBody*> TwoLevelCache::coded(std::string key, ValuePointer value, policy::ContentCoding coding) {
    if (auto claim = value->coded.claim(coding)) {
        auto body = co_await compress(value->body, coding, Effort::kept);
        if (body.size() < value->body.size()) {
            claim.keep({std::move(body), coded_etag(value->etag, coding)});
            level_one_.count_again(key, value);
        } else {
            claim.settle();
        }
    }
    co_return value->coded.find(coding);
}

awaitable<void> TwoLevelCache::fly(Executor executor, std::shared_ptr<Flight> flight, std::shared_ptr<const Wanted> wanted,
                                   runtime::Gate::Pass pass) {
    Fill fill;
    fill.before = level_one_.find(wanted->key);
    fill.known = fill.before != nullptr;
    fill.owner = name_ + ':' + std::to_string(flights_begun_.fetch_add(1, std::memory_order_relaxed));
    fill.refreshes = flight->refreshes;
    Answer answer;
    try {
        answer = co_await obtain(executor, *wanted, fill);
    } catch (const std::exception& error) {
        log::error("cache_load_failed", {{"path", wanted->path}, {"error", error.what()}});
        answer = stand_in(*wanted, nullptr, {Failure::Cause::broken, true, {}, error.what()});
    }
    land(*wanted, *flight, answer);
    const auto deadline = Deadline::after(Clock::now(), std::chrono::seconds{1});
    const bool from_source = answer.how == Answer::How::loaded || (answer.how == Answer::How::absent && fill.asked_source);
    // After the waiters have their answer: the shared copy is for others.
    if (!answer.value || !copies_ || coherence_.purged(*answer.value)) {
        // It goes nowhere.
    } else if (from_source) {
        co_await copies_->put(wanted->key, wanted->route, answer.value, std::move(fill.before), fill.known, deadline);
        co_await take_back_if_purged(wanted->key, *answer.value, deadline);
    } else if (answer.value->stored.found_on_trial && answer.how != Answer::How::stale) {
        co_await copies_->prolong(wanted->key, answer.value, deadline);
        co_await take_back_if_purged(wanted->key, *answer.value, deadline);
    }
    if (fill.locked) co_await store_->unlock(wanted->key, fill.owner, deadline);
    static_cast<void>(pass);
}

// Whoever took the purged copies out of the store may have come before this one was there.
awaitable<void> TwoLevelCache::take_back_if_purged(const std::string& key, const CachedValue& value, Deadline deadline) {
    if (coherence_.purged(value)) static_cast<void>(co_await store_->erase(key, deadline));
}

std::vector<std::string> TwoLevelCache::drop_purged() {
    return level_one_.erase_those([this](const CachedValue& value) { return coherence_.purged(value); });
}

void TwoLevelCache::land(const Wanted& wanted, Flight& flight, const Answer& answer) {
    std::vector<runtime::OneShot<Answer>> waiters;
    {
        const auto name = flight_name(wanted);
        auto& shard = shard_of(name);
        const std::lock_guard lock{shard.mutex};
        const auto found = shard.flights.find(name);
        if (found != shard.flights.end() && found->second.get() == &flight) shard.flights.erase(found);
        waiters.swap(flight.waiters);
    }
    for (const auto& waiter : waiters) waiter.set(answer);
}

awaitable<Answer> TwoLevelCache::obtain(Executor executor, const Wanted& wanted, Fill& fill) {
    const auto deadline = Deadline::after(Clock::now(), wanted.patience);
    ValuePointer candidate;
    if (store_) {
        auto answer = co_await from_store(executor, wanted, fill, candidate, deadline);
        if (answer) co_return std::move(*answer);
    }
    fill.asked_source = true;
    co_return co_await from_source(wanted, std::move(candidate), deadline);
}

// Whoever finds nothing asks for the lock. Without it, one looks again soon: for the value, or for a lock that was given
// back or has ended, its holder gone. What was put between a look and the lock is found by looking once more.
awaitable<std::optional<Answer>> TwoLevelCache::from_store(Executor executor, const Wanted& wanted, Fill& fill,
                                                           ValuePointer& candidate, Deadline deadline) {
    runtime::Timer timer{executor};
    for (bool first = true;; first = false) {
        auto found = co_await find_in_store(wanted, first, deadline);
        if (found) {
            const auto now = Clock::now();
            const bool served = policy::may_be_served(coherence_.judge(*found, now)) && has_all_before(*found, wanted.after);
            if (served && (!fill.refreshes || found->loaded_at > *fill.refreshes + same_load)) {
                if (first) counters_.l2_hit.add();
                keep_in_process(wanted, found);
                const auto how = found->absent ? Answer::How::absent : Answer::How::level_two;
                co_return Answer{how, std::move(found), {}, now};
            }
            if (first) counters_.l2_stale.add();
            fill.known = true;
            candidate = std::move(found);
        }
        // Another instance's load may be from before.
        if (fill.locked || wanted.after || deadline.passed(Clock::now())) co_return std::nullopt;
        const auto lock = co_await store_->lock(wanted.key, fill.owner, fill_lock_life, deadline);
        if (lock == LockStatus::unavailable) co_return std::nullopt;
        fill.locked = lock == LockStatus::acquired;
        if (fill.locked && first) co_return std::nullopt;
        if (fill.locked) continue;
        timer.expires_after(look_again_after);
        boost::system::error_code cancelled;
        co_await timer.async_wait(boost::asio::redirect_error(use_awaitable, cancelled));
    }
}

awaitable<Answer> TwoLevelCache::from_source(const Wanted& wanted, ValuePointer candidate, Deadline deadline) {
    auto started = Clock::now();
    auto loaded = co_await wanted.load(From::anywhere, deadline);
    if (loaded.has_value() && loaded->found) {
        auto memory = loaded->memory;
        auto value = keep(wanted, std::move(*loaded), started);
        if (!loaded->may_lag) co_return just_loaded(std::move(value), std::move(memory));
        const auto now = Clock::now();
        if (coherence_.judge(*value, now) == policy::Freshness::fresh) {
            co_return Answer{Answer::How::loaded, std::move(value), {}, now, std::move(memory)};
        }
        // The replica had not yet replayed an invalidation that we know of.
        candidate = std::move(value);
        started = Clock::now();
        loaded = co_await wanted.load(From::origin, deadline);
        if (loaded.has_value() && loaded->found) {
            auto again_in_memory = loaded->memory;
            co_return just_loaded(keep(wanted, std::move(*loaded), started), std::move(again_in_memory));
        }
    } else if (loaded.has_value() && loaded->may_lag && !wanted.tags.empty() && coherence_.enabled()) {
        // A replica that lags may lack what was just written. If the primary cannot say, the replica's word stands.
        auto again = co_await wanted.load(From::origin, deadline);
        if (again.has_value() || !again.error().may_stand_in) loaded = std::move(again);
        if (loaded.has_value() && loaded->found) {
            auto again_in_memory = loaded->memory;
            co_return just_loaded(keep(wanted, std::move(*loaded), started), std::move(again_in_memory));
        }
    }
    if (loaded.has_value()) {
        level_one_.erase(wanted.key);
        ValuePointer value;
        if (wanted.negative > Duration{0}) value = keep(wanted, std::move(*loaded), started);
        co_return Answer{Answer::How::absent, std::move(value), {}};
    }
    co_return stand_in(wanted, std::move(candidate), std::move(loaded).error());
}

awaitable<ValuePointer> TwoLevelCache::find_in_store(const Wanted& wanted, bool first, Deadline deadline) {
    auto stored = co_await store_->get(wanted.key, deadline);
    if (first && stored.status == StoreStatus::unavailable) counters_.l2_error.add();
    if (first && stored.status == StoreStatus::missing) counters_.l2_miss.add();
    if (stored.status != StoreStatus::found) co_return nullptr;
    auto value = decode(std::move(stored.bytes), stored.remaining, Clock::now());
    if (!value) {
        counters_.l2_error.add();
        co_return nullptr;
    }
    value->stored.found_on_trial = stored.on_trial;
    take_from(wanted, *value);
    co_return value;
}

ValuePointer TwoLevelCache::keep(const Wanted& wanted, Loaded loaded, TimePoint started) {
    auto value = std::make_shared<CachedValue>();
    value->etag = std::move(loaded.etag);
    value->body = std::move(loaded.body);
    value->loaded_at = started;
    const auto& lifetimes = loaded.lifetimes ? *loaded.lifetimes : wanted.lifetimes;
    value->status = loaded.status;
    value->headers = loaded.headers;
    value->own_headers = value->headers.wire().size();
    value->ttl = lifetimes.ttl;
    value->stale = lifetimes.stale;
    value->revalidate = lifetimes.revalidate;
    if (!loaded.found) {
        value->absent = true;
        value->body = absent_body;
        value->ttl = wanted.negative;
        value->stale = value->revalidate = Duration{0};  // nothing that would be better than asking again
    }
    value->cost = Clock::now() - started;
    take_from(wanted, *value);
    value->label = std::move(loaded.label);
    if (loaded.memory) value->in_flight.set(loaded.memory);
    keep_in_process(wanted, value);
    return value;
}

// Else every request is a load of its own, which nobody would guess from the configuration: it is told once for a route.
void TwoLevelCache::keep_in_process(const Wanted& wanted, const ValuePointer& value) {
    const bool kept = level_one_.put(wanted.key, value);
    // Afterwards, so that either `drop_purged` finds it or this does.
    if (coherence_.purged(*value)) return level_one_.erase(wanted.key);
    if (kept) return;
    too_large_.add();
    if (level_one_.largest() == 0) return;  // there is to be none
    {
        const std::lock_guard lock{told_mutex_};
        if (!told_.emplace(wanted.route).second) return;
    }
    log::warning("answer_not_kept",
                 {{"route", wanted.route}, {"bytes", value->body.size()}, {"limit", level_one_.largest()}});
}

void TwoLevelCache::prolong(Executor executor, std::string key, ValuePointer value) {
    if (!copies_) return;
    auto pass = gate_.enter();
    if (!pass) return;
    boost::asio::co_spawn(executor, prolong_here(std::move(*pass), std::move(key), std::move(value)), boost::asio::detached);
}

awaitable<void> TwoLevelCache::prolong_here(runtime::Gate::Pass pass, std::string key, ValuePointer value) {
    const auto deadline = Deadline::after(Clock::now(), std::chrono::seconds{1});
    co_await copies_->prolong(key, value, deadline);
    co_await take_back_if_purged(key, *value, deadline);
    static_cast<void>(pass);
}

Answer TwoLevelCache::stand_in(const Wanted& wanted, ValuePointer candidate, Failure failure) {
    if (failure.may_stand_in) {
        const auto now = Clock::now();
        // The younger of what we hold.
        if (auto mine = level_one_.find(wanted.key); mine && (!candidate || mine->loaded_at > candidate->loaded_at)) {
            candidate = std::move(mine);
        }
        // That there was nothing once is no answer to stand in.
        if (candidate && !candidate->absent && coherence_.judge(*candidate, now) != policy::Freshness::unusable) {
            if (!level_one_.find(wanted.key)) keep_in_process(wanted, candidate);
            return Answer{Answer::How::stale, std::move(candidate), std::move(failure)};
        }
    }
    return Answer{Answer::How::failed, nullptr, std::move(failure)};
}

bool TwoLevelCache::drain(Deadline deadline) {
    gate_.close();
    return gate_.wait_empty(deadline);
}

}  // namespace sluice::cache

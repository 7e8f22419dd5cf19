#include "cache/shared_copies.hpp"

#include "cache/value_codec.hpp"
#include "telemetry/log.hpp"

#include <algorithm>
#include <utility>

namespace sluice::cache {
namespace {

/// A key's entry in Redis, and what its allocator rounds up, about.
constexpr std::size_t entry_overhead = 160;

std::size_t cost(std::string_view key, std::size_t bytes) { return key.size() + bytes + bytes / 16 + entry_overhead; }

}  // namespace

SharedCopies::SharedCopies(std::shared_ptr<ByteStore> store, std::size_t budget, std::size_t level_one_largest,
                           telemetry::Metrics& metrics)
    : store_{std::move(store)},
      budget_bytes_{budget},
      largest_{std::min(most_at_once, std::max(taken_anyhow, level_one_largest))},
      too_large_{metrics.cache_not_kept("l2", "size")},
      no_room_{metrics.cache_not_kept("l2", "budget")},
      budget_{budget} {}

std::size_t SharedCopies::bytes() {
    const std::lock_guard lock{mutex_};
    return budget_.bytes(Clock::now());
}

bool SharedCopies::charge(std::string_view key, const CachedValue& value, const CachedValue* replaced, std::size_t bytes,
                          Lifetime lifetime) {
    const auto now = Clock::now();
    const std::lock_guard lock{mutex_};
    auto& place = (replaced != nullptr ? *replaced : value).stored.charge;
    auto charged = budget_.take(cost(key, bytes), lifetime.on_trial(), now + lifetime.first, now, place);
    if (!charged) return false;
    place.reset();
    value.stored.charge = charged;
    return true;
}

void SharedCopies::give_back(const CachedValue& value) {
    const std::lock_guard lock{mutex_};
    if (value.stored.charge) budget_.give_back(*std::exchange(value.stored.charge, std::nullopt), Clock::now());
}

awaitable<void> SharedCopies::put(std::string key, std::string_view route, ValuePointer value, ValuePointer replaced,
                                  bool used, Deadline deadline) {
    if (value->body.size() > largest_) {
        too_large_.add();
        co_return;
    }
    const auto now = Clock::now();
    auto encoded = encode(*value, now);
    if (encoded.lifetime <= std::chrono::milliseconds{0}) co_return;
    const Lifetime lifetime = used ? Lifetime{encoded.lifetime} : Lifetime{trial, encoded.lifetime};
    if (!charge(key, *value, replaced.get(), encoded.bytes.size(), lifetime)) {
        no_room_.add();
        if (const auto left_out = no_room_log_.pass(now)) {
            log::warning("l2_budget_spent", {{"route", route}, {"limit", budget_bytes_}, {"left_out", *left_out}});
        }
        co_return;
    }
    if (!co_await store_->put(key, std::move(encoded.bytes), lifetime, deadline)) {
        give_back(*value);
        co_return;
    }
    if (lifetime.on_trial()) {
        value->stored.prolong_from.store((now + used_after).time_since_epoch().count(), std::memory_order_relaxed);
    }
}

awaitable<void> SharedCopies::prolong(std::string key, ValuePointer value, Deadline deadline) {
    const auto whole = lifetime_left(*value, Clock::now());
    if (whole <= std::chrono::milliseconds{0} || value->body.size() > largest_) co_return;
    if (!charge(key, *value, nullptr, value->body.size(), whole)) {
        no_room_.add();
        co_return;
    }
    const auto status = co_await store_->prolong(key, deadline);
    if (status != StoreStatus::missing) co_return;
    auto encoded = encode(*value, Clock::now());
    if (encoded.lifetime <= std::chrono::milliseconds{0}) co_return;
    if (!co_await store_->put(std::move(key), std::move(encoded.bytes), encoded.lifetime, deadline)) give_back(*value);
}

}  // namespace sluice::cache

// The copies that this instance keeps in the shared store: how large they may be, how much in all, and how long they live.
// Hides the budget, and who is told of what was not kept.
#pragma once

#include "cache/cached_value.hpp"
#include "policy/store_budget.hpp"
#include "sluice/ports/byte_store.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/throttle.hpp"

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace sluice::cache {

/// A first copy is on trial: it goes after a minute. It is used, and lives as long as it may, if another instance reads it,
/// if this one is asked for it again after some seconds, or if it takes the place of one that was known.
class SharedCopies {
public:
    /// How long a copy is kept that nobody reads.
    static constexpr std::chrono::milliseconds trial{60'000};
    /// Whoever asks again so long after it was stored uses it. Sooner, it may be one client's second look.
    static constexpr Duration used_after = std::chrono::seconds{10};
    /// A larger one holds Redis up for everybody while it is sent.
    static constexpr std::size_t most_at_once = std::size_t{4} * 1024 * 1024;
    /// Taken into the store even if the first level is too small for it: that may be off.
    static constexpr std::size_t taken_anyhow = std::size_t{256} * 1024;

    /// `store`: not null. `level_one_largest`: what is larger is not kept in the process, so that every hit would have to
    /// fetch it from the store.
    SharedCopies(std::shared_ptr<ByteStore> store, std::size_t budget, std::size_t level_one_largest,
                 telemetry::Metrics& metrics);

    ByteStore& store() noexcept { return *store_; }

    /// `used`: one was known before. `replaced`: the copy whose place it takes, if this instance has it.
    awaitable<void> put(std::string key, std::string_view route, ValuePointer value, ValuePointer replaced, bool used,
                        Deadline deadline);
    /// It is used: it lives its whole lifetime. If it is gone already it is stored again.
    awaitable<void> prolong(std::string key, ValuePointer value, Deadline deadline);

    /// Of what this instance has stored, as far as it has not expired.
    std::size_t bytes();

private:
    bool charge(std::string_view key, const CachedValue& value, const CachedValue* replaced, std::size_t bytes,
                Lifetime lifetime);
    void give_back(const CachedValue& value);

    const std::shared_ptr<ByteStore> store_;
    const std::size_t budget_bytes_;
    const std::size_t largest_;
    const telemetry::Counter too_large_, no_room_;
    log::Throttle no_room_log_{std::chrono::minutes{1}};
    std::mutex mutex_;  // guards what follows, and every value's charge
    policy::StoreBudget budget_;
};

}  // namespace sluice::cache

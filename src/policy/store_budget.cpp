#include "policy/store_budget.hpp"

#include <algorithm>
#include <bit>
#include <chrono>

namespace sluice::policy {
namespace {

using std::chrono::seconds;

}  // namespace

// Rounded up to a 16th of the lifetime or less, so that there are some hundred slots at most, however long things live.
std::int64_t StoreBudget::slot_of(TimePoint expires, TimePoint now) noexcept {
    const auto life = std::max<std::int64_t>(1, std::chrono::ceil<seconds>(expires - now).count());
    const auto grain =
        static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(std::max<std::int64_t>(1, life / 32))));
    const auto end = std::chrono::ceil<seconds>(expires.time_since_epoch()).count();
    return (end + grain - 1) / grain * grain;
}

void StoreBudget::drop_expired(TimePoint now) {
    const auto second = std::chrono::floor<seconds>(now.time_since_epoch()).count();
    while (!slots_.empty() && slots_.begin()->first <= second) {
        on_trial_ -= slots_.begin()->second.on_trial;
        used_ -= slots_.begin()->second.used;
        slots_.erase(slots_.begin());
    }
}

void StoreBudget::add(const Charge& charge) {
    auto& slot = slots_[charge.slot];
    (charge.on_trial ? slot.on_trial : slot.used) += charge.bytes;
    (charge.on_trial ? on_trial_ : used_) += charge.bytes;
}

void StoreBudget::remove(const Charge& charge) {
    const auto found = slots_.find(charge.slot);
    if (found == slots_.end()) return;  // it has expired
    auto& in_slot = charge.on_trial ? found->second.on_trial : found->second.used;
    const auto bytes = std::min(in_slot, charge.bytes);
    in_slot -= bytes;
    (charge.on_trial ? on_trial_ : used_) -= bytes;
    if (found->second.on_trial == 0 && found->second.used == 0) slots_.erase(found);
}

bool StoreBudget::has_room(std::size_t bytes, bool on_trial) const noexcept {
    const auto in_all = on_trial_ + used_;
    if (in_all > most_ || bytes > most_ - in_all) return false;
    return !on_trial || (on_trial_ <= most_on_trial_ && bytes <= most_on_trial_ - on_trial_);
}

std::optional<StoreBudget::Charge> StoreBudget::take(std::size_t bytes, bool on_trial, TimePoint expires, TimePoint now,
                                                     const std::optional<Charge>& replaced) {
    drop_expired(now);
    const bool counted = replaced && slots_.contains(replaced->slot);
    if (counted) remove(*replaced);
    if (!has_room(bytes, on_trial)) {
        if (counted) add(*replaced);
        return std::nullopt;
    }
    const Charge charge{bytes, slot_of(expires, now), on_trial};
    add(charge);
    return charge;
}

void StoreBudget::give_back(const Charge& charge, TimePoint now) {
    drop_expired(now);
    remove(charge);
}

std::size_t StoreBudget::bytes(TimePoint now) {
    drop_expired(now);
    return on_trial_ + used_;
}

}  // namespace sluice::policy

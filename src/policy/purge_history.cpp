#include "policy/purge_history.hpp"

#include <algorithm>

namespace sluice::policy {

void PurgeHistory::add(std::uint64_t xid, TimePoint now) {
    if (xid == 0) without_transaction_ = std::max(without_transaction_, now);
    transactions_.add(xid, now);
    if (transactions_.exact() > most_exact) transactions_.merge(transactions_.greatest());
}

void PurgeHistory::forget_transactions() {
    const auto learned = transactions_.learned();
    transactions_ = {};
    if (learned != TimePoint::min()) transactions_.add(0, learned);
}

void PurgeHistory::absorb(const PurgeHistory& other) {
    if (other.empty()) return;
    without_transaction_ = std::max(without_transaction_, other.without_transaction_);
    transactions_.add(other.transactions_.greatest(), other.transactions_.learned());
    transactions_.merge(other.transactions_.greatest());
}

bool PurgeHistory::takes(TimePoint loaded_at, const Snapshot* label) const noexcept {
    if (empty()) return false;
    if (label == nullptr) return loaded_at <= transactions_.learned();
    if (loaded_at <= without_transaction_) return true;
    if (transactions_.greatest() >= label->xmax) return true;
    return std::any_of(label->running.begin(), label->running.end(),
                       [this](std::uint64_t xid) { return transactions_.may_have(xid); });
}

}  // namespace sluice::policy

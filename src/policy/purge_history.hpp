// The purges of one tag, or of one pattern, as far as they are known. A purge is an operator's word: what it takes is never
// served again, not in place of an error either, while what a write outdates may be.
//
// A value whose label compares is taken unless its label contains the purge's transaction. All other values are taken by
// time: if their load began before the purge was learned of. That takes a little too much, never too little.
#pragma once

#include "policy/tag_history.hpp"
#include "sluice/deadline.hpp"
#include "sluice/snapshot.hpp"

#include <cstddef>
#include <cstdint>

namespace sluice::policy {

class PurgeHistory {
public:
    /// Transaction `xid` was learned of at `now`; 0: a message said so, and nobody knows the transaction (yet).
    void add(std::uint64_t xid, TimePoint now);
    /// Transactions of another history cannot be compared: from now on those known are judged by time.
    void forget_transactions();
    /// Stands for the other's purges as well, from now on.
    void absorb(const PurgeHistory& other);

    /// Whether it takes a value whose load began at `loaded_at`. `label`: null if it has none of the history that holds now.
    bool takes(TimePoint loaded_at, const Snapshot* label) const noexcept;

    bool empty() const noexcept { return transactions_.learned() == TimePoint::min(); }

private:
    static constexpr std::size_t most_exact = 1'000;

    TagHistory transactions_;
    TimePoint without_transaction_ = TimePoint::min();
};

}  // namespace sluice::policy

// What the lease script does in Redis, in C++: the store of the simulation, and what the script is compared with.
#pragma once

#include "policy/lease.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>

namespace sluice::test {

/// One key. The first entry is the last one that was dropped: what is booked is the last total less the first.
class LeaseLedger {
public:
    policy::LeaseGrant grant(std::int64_t now, std::uint64_t limit, std::uint64_t want, std::uint64_t cost,
                             const policy::LeaseTerms& terms, std::uint64_t charge = 0) {
        while (entries_.size() > 1 && entries_[1].drop_at <= now) entries_.pop_front();
        if (charge > 0) book(now + terms.window.count(), charge, terms);
        const auto free = left(limit);
        policy::LeaseGrant answer;
        if (cost > 0 && free >= cost) {
            answer.granted = std::min({want, free, std::max({cost, limit / 1000, free / 2})});
            book(now + terms.hold.count(), answer.granted, terms);
        } else if (cost > 0) {
            answer.retry = std::chrono::microseconds{retry(now, limit, cost, terms)};
        }
        answer.remaining = left(limit);
        answer.reset = std::chrono::microseconds{entries_.size() > 1 ? entries_[1].drop_at - now : 0};
        return answer;
    }

    /// Takes the newest booking back as far as it goes: what a design with refunds would do. For planted bugs only.
    void refund(std::uint64_t amount) {
        if (entries_.size() > 1)
            entries_.back().total -= std::min(amount, entries_.back().total - entries_[entries_.size() - 2].total);
    }

    std::size_t entries() const noexcept { return entries_.size(); }

private:
    struct Entry {
        std::int64_t drop_at = 0;
        std::uint64_t total = 0;
    };

    std::uint64_t booked() const { return entries_.empty() ? 0 : entries_.back().total - entries_.front().total; }
    std::uint64_t left(std::uint64_t limit) const { return limit - std::min(limit, booked()); }

    void book(std::int64_t until, std::uint64_t amount, const policy::LeaseTerms& terms) {
        if (entries_.empty()) entries_.push_back({0, 0});
        const auto bucket = terms.bucket.count();
        const auto drop_at = std::max(entries_.back().drop_at, (until + bucket - 1) / bucket * bucket);
        const auto total = entries_.back().total + amount;
        if (entries_.size() > 1 && entries_.back().drop_at == drop_at) {
            entries_.back().total = total;
        } else {
            entries_.push_back({drop_at, total});
        }
    }

    std::int64_t retry(std::int64_t now, std::uint64_t limit, std::uint64_t cost, const policy::LeaseTerms& terms) const {
        if (cost > limit || entries_.empty()) return terms.hold.count();
        const auto enough = entries_.back().total - (limit - cost);  // dropped up to there, the cost fits
        const auto found =
            std::find_if(entries_.begin() + 1, entries_.end(), [&](const Entry& one) { return one.total >= enough; });
        return found->drop_at - now;
    }

    std::deque<Entry> entries_;
};

}  // namespace sluice::test

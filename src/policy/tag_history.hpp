// The transactions that invalidated one tag, or one pattern, as far as they are known: the recent ones exactly, of the older
// ones the greatest. So a look-up costs the same however often it was invalidated.
#pragma once

#include "sluice/deadline.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::policy {

class TagHistory {
public:
    /// Transaction `xid` was learned of at `now`; 0: nobody knows its id. False: it was known.
    bool add(std::uint64_t xid, TimePoint now);
    /// From now on it is known of `xid`, and of all below, only that there may have been one.
    void merge(std::uint64_t xid);

    /// Of all that were ever added.
    std::uint64_t greatest() const noexcept { return greatest_; }
    /// When the latest was learned of, which judges values without a label. TimePoint::min(): none was.
    TimePoint learned() const noexcept { return learned_; }
    /// Whether it is one of those that are known exactly.
    bool has(std::uint64_t xid) const noexcept;
    /// Whether it may be one of them: exact above the greatest that was merged.
    bool may_have(std::uint64_t xid) const noexcept { return xid <= merged_ || has(xid); }

    /// How many are kept exactly.
    std::size_t exact() const noexcept { return exact_.size() - merged_prefix_; }

private:
    std::vector<std::uint64_t> exact_;  // ascending; those at the front that are not above `merged_` are no longer meant
    std::size_t merged_prefix_ = 0;
    std::uint64_t merged_ = 0;
    std::uint64_t greatest_ = 0;
    TimePoint learned_ = TimePoint::min();
};

}  // namespace sluice::policy

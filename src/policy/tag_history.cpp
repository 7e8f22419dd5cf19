#include "policy/tag_history.hpp"

#include <algorithm>

namespace sluice::policy {

bool TagHistory::add(std::uint64_t xid, TimePoint now) {
    learned_ = std::max(learned_, now);
    if (xid == 0) return false;
    greatest_ = std::max(greatest_, xid);
    if (xid <= merged_) return false;
    // They come in the order of their commits, which is nearly that of their ids.
    const auto place = std::lower_bound(exact_.begin() + static_cast<std::ptrdiff_t>(merged_prefix_), exact_.end(), xid);
    if (place != exact_.end() && *place == xid) return false;
    exact_.insert(place, xid);
    return true;
}

void TagHistory::merge(std::uint64_t xid) {
    if (xid <= merged_) return;
    merged_ = xid;
    while (merged_prefix_ < exact_.size() && exact_[merged_prefix_] <= merged_) ++merged_prefix_;
    // Moved down seldom: a tag may have been invalidated a hundred thousand times.
    if (merged_prefix_ < exact_.size() && merged_prefix_ < exact_.size() / 2 + 16) return;
    exact_.erase(exact_.begin(), exact_.begin() + static_cast<std::ptrdiff_t>(merged_prefix_));
    merged_prefix_ = 0;
    if (exact_.empty()) exact_.shrink_to_fit();
}

bool TagHistory::has(std::uint64_t xid) const noexcept {
    return std::binary_search(exact_.begin() + static_cast<std::ptrdiff_t>(merged_prefix_), exact_.end(), xid);
}

}  // namespace sluice::policy

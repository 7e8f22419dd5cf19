#include "upstream/address_book.hpp"

#include <algorithm>

namespace sluice::upstream {

void AddressBook::replace(Addresses addresses) {
    if (addresses.empty()) return;
    const std::lock_guard lock{mutex_};
    const auto same = std::equal(entries_.begin(), entries_.end(), addresses.begin(), addresses.end(),
                                 [](const Entry& entry, const Address& address) { return entry.address == address; });
    if (same) return;
    std::vector<Entry> entries;
    entries.reserve(addresses.size());
    for (const auto& address : addresses) entries.push_back({address});
    entries_ = std::move(entries);
    generation_.fetch_add(1, std::memory_order_relaxed);
}

AddressBook::Addresses AddressBook::to_try() {
    const std::lock_guard lock{mutex_};
    Addresses all;
    all.reserve(entries_.size());
    const auto first = entries_.empty() ? 0 : next_++ % entries_.size();
    for (const bool failed : {false, true}) {
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            const auto& entry = entries_[(first + i) % entries_.size()];
            if (entry.failed == failed) all.push_back(entry.address);
        }
    }
    return all;
}

void AddressBook::failed(const Address& address) {
    const std::lock_guard lock{mutex_};
    for (auto& entry : entries_) {
        if (entry.address == address) entry.failed = true;
    }
    // If all have failed it says nothing: begin anew.
    if (std::all_of(entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.failed; })) {
        for (auto& entry : entries_) entry.failed = false;
    }
}

void AddressBook::worked(const Address& address) {
    const std::lock_guard lock{mutex_};
    for (auto& entry : entries_) {
        if (entry.address == address) entry.failed = false;
    }
}

bool AddressBook::has(const Address& address, std::uint64_t& seen) const {
    const auto now = generation();
    if (now == seen) return true;
    const std::lock_guard lock{mutex_};
    const auto is_it = [&](const Entry& entry) { return entry.address == address; };
    if (!std::any_of(entries_.begin(), entries_.end(), is_it)) return false;
    seen = now;
    return true;
}

}  // namespace sluice::upstream

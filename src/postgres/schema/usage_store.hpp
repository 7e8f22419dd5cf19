// What keys used, day by day, where it stays: the table `sluice.usage`. Blocking. Every function throws ConnectionLost or
// SqlError.
#pragma once

#include "policy/usage.hpp"

#include <chrono>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::postgres {

/// Adds the sums of a batch in one transaction; false: it was added already, by whomever, and nothing is changed. The id is
/// remembered for a week.
bool add_usage(const std::string& url, const std::string& batch, std::span<const policy::KeyUsage> usage);

struct StoredUsage {
    std::vector<policy::KeyUsage> days;  ///< newest first; a day without usage is left out
    std::set<std::string> batches;       ///< of those asked about, the ones whose sums are in `days`
};

/// What the key used from `since` on, and which of `batches` are in it, as one snapshot sees it.
StoredUsage read_usage(const std::string& url, std::string_view key, std::chrono::sys_days since,
                       std::span<const std::string> batches);

}  // namespace sluice::postgres

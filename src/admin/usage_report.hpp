// What a key used, for the admin API and for `sluice usage` alike.
#pragma once

#include "policy/usage.hpp"
#include "sluice/deadline.hpp"
#include "sluice/executor.hpp"

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <string>
#include <vector>

namespace sluice::admin {

struct UsageReport {
    std::vector<policy::KeyUsage> days;  ///< newest first; a day without usage is left out
    bool complete = true;                ///< false: Redis did not answer, so that the last seconds are missing
};

constexpr unsigned most_usage_days = 400;

/// Reads a key's last so many days (UTC), today included. Throws postgres::ConnectionLost, postgres::SqlError, and
/// ProblemError 503 or 504 when it cannot be done in time.
using UsageFunction = std::function<awaitable<UsageReport>(Executor, std::string key, unsigned days, Deadline)>;

/// `2026-01-31`.
std::string to_string(std::chrono::sys_days day);
/// `{"data": [{"day", "requests", "errors", "bytes", "rejections"}, …], "complete"}`
nlohmann::ordered_json to_json(const UsageReport& report);

}  // namespace sluice::admin

#include "admin/usage_report.hpp"

#include "runtime/iso_time.hpp"

#include <nlohmann/json.hpp>

namespace sluice::admin {

std::string to_string(std::chrono::sys_days day) { return runtime::iso_time(day).substr(0, 10); }

nlohmann::ordered_json to_json(const UsageReport& report) {
    auto days = nlohmann::ordered_json::array();
    for (const auto& [key, day, usage] : report.days) {
        days.push_back({{"day", to_string(day)},
                        {"requests", usage.requests},
                        {"errors", usage.errors},
                        {"bytes", usage.bytes},
                        {"rejections", usage.rejections}});
    }
    return {{"data", std::move(days)}, {"complete", report.complete}};
}

}  // namespace sluice::admin

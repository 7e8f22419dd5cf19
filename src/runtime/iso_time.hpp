// Moments as people and programs read them alike.
#pragma once

#include <chrono>
#include <string>

namespace sluice::runtime {

/// RFC 3339, UTC, whole seconds: `2026-01-31T12:00:00Z`.
std::string iso_time(std::chrono::system_clock::time_point moment);

}  // namespace sluice::runtime

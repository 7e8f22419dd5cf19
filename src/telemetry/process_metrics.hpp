// The customary `process_*` metrics, read from /proc (prometheus-cpp has none).
#pragma once

#include <string>

namespace sluice::telemetry {

/// In Prometheus text format. What /proc does not tell is left out.
std::string process_metrics();

}  // namespace sluice::telemetry

// `GET /metrics` in Prometheus text format.
#pragma once

#include "sluice/handler.hpp"
#include "telemetry/metrics.hpp"

#include <functional>

namespace sluice::admin {

/// `refresh` runs before each rendering, for gauges that are cheaper to read than to keep.
Handler metrics_handler(const telemetry::Metrics& metrics, std::function<void()> refresh);

}  // namespace sluice::admin

// What the admin listener serves: metrics, health, and behind the token the operators' API.
#pragma once

#include "admin/health.hpp"
#include "app/dependencies.hpp"
#include "runtime/memory_budget.hpp"
#include "sluice/handler.hpp"
#include "sluice/settings.hpp"
#include "telemetry/metrics.hpp"

#include <vector>

namespace sluice::app {

/// All outlive the routes.
struct AdminParts {
    const Settings& settings;
    Dependencies& dependencies;
    admin::Health& health;
    telemetry::Metrics& metrics;
    const runtime::MemoryBudget& memory;
};

std::vector<Route> admin_routes(AdminParts parts);

}  // namespace sluice::app

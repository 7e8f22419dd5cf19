#include "app/request_steps.hpp"

#include "middleware/correlate.hpp"
#include "middleware/cors.hpp"
#include "middleware/count_usage.hpp"
#include "middleware/error_boundary.hpp"
#include "middleware/observe.hpp"

#include <utility>

namespace sluice::app {

std::vector<std::shared_ptr<Middleware>> request_steps(StepParts parts, const std::vector<Route>& routes,
                                                       std::vector<std::shared_ptr<Middleware>> own) {
    const auto& settings = parts.settings;
    std::vector<std::shared_ptr<Middleware>> steps;
    // First: names the request for all the others.
    steps.push_back(std::make_shared<middleware::Correlate>(settings.server.trusted_proxies));
    // Must also see what the others refuse.
    steps.push_back(std::make_shared<middleware::Observe>(parts.metrics, settings.log.access, routes.size()));
    // Then: whatever throws further in becomes an answer that is observed.
    steps.push_back(std::make_shared<middleware::ErrorBoundary>());
    // Before credentials and limit: a preflight has no part in them, and their refusals must be readable to a page, too.
    if (const auto& cors = settings.server.cors) steps.push_back(std::make_shared<middleware::Cors>(*cors));
    // Around the two that say who asks and whether it is too much.
    if (parts.usage != nullptr) steps.push_back(std::make_shared<middleware::CountUsage>(*parts.usage));
    // Before the limit, which depends on who asks.
    steps.push_back(std::make_shared<middleware::Auth>(parts.codec, parts.exceptions, settings.tiers, parts.clients,
                                                       std::move(parts.issuers)));
    // Last of ours: what is refused here costs no endpoint anything.
    steps.push_back(std::make_shared<middleware::RateLimitStep>(std::move(parts.limits), settings.tiers, parts.clients,
                                                                routes, parts.metrics));
    // The embedder's own, next to the handler.
    for (auto& step : own) steps.push_back(std::move(step));
    return steps;
}

}  // namespace sluice::app

#include "app/admin_site.hpp"

#include "admin/keys.hpp"
#include "admin/metrics.hpp"
#include "admin/purge_handler.hpp"
#include "admin/usage.hpp"

#include <string>
#include <utility>

namespace sluice::app {
namespace {

Route make_route(Method method, std::string pattern, Handler handler, BodyUse body = BodyUse::none) {
    Route route;
    route.method = method;
    route.pattern = std::move(pattern);
    route.handler = std::move(handler);
    route.options.rate_limited = false;
    route.body = body;
    return route;
}

}  // namespace

std::vector<Route> admin_routes(AdminParts parts) {
    auto& dependencies = parts.dependencies;
    std::vector<Route> routes;
    const auto refresh = [&dependencies, &memory = parts.memory, in_flight = parts.metrics.memory_in_flight_bytes()] {
        dependencies.refresh_metrics(Clock::now());
        in_flight.set(static_cast<double>(memory.used()));
    };
    routes.push_back(make_route(Method::get, "/metrics", admin::metrics_handler(parts.metrics, refresh)));
    routes.push_back(make_route(Method::get, "/health/live", parts.health.live()));
    routes.push_back(make_route(Method::get, "/health/ready", parts.health.ready()));
    const auto add = [&](Method method, std::string pattern, Handler handler) {
        // What nobody wants is read behind the token's check, like what somebody does.
        const bool writes = method == Method::post || method == Method::patch;
        auto guarded =
            admin::guarded(parts.settings.server.admin_token, std::move(handler), writes ? BodyUse::handler : BodyUse::none);
        routes.push_back(make_route(method, std::move(pattern), std::move(guarded), BodyUse::handler));
    };
    add(Method::post, "/admin/purge", admin::purge_handler(dependencies.purge_function()));
    if (const auto* keys = dependencies.key_administration()) {
        for (auto& [method, pattern, handler] : admin::key_routes(*keys, dependencies.admin_lane())) {
            add(method, std::move(pattern), std::move(handler));
        }
        add(Method::get, "/admin/keys/{id}/usage",
            admin::usage_handler(*keys, dependencies.admin_lane(), dependencies.usage_function()));
    }
    return routes;
}

}  // namespace sluice::app

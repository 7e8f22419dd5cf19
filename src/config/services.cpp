#include "config/services.hpp"

#include "config/suggestion.hpp"

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

namespace sluice::config {
namespace {

class ServiceCheck {
public:
    ServiceCheck(const Settings& settings, Mistakes& mistakes) : settings_{settings}, mistakes_{mistakes} {
        for (const auto& service : settings.upstreams) names_.push_back(service.name);
    }

    void check(const RouteSettings& route) {
        if (const auto* upstream = std::get_if<UpstreamRoute>(&route.kind)) check(route, upstream->call);
        for (const auto& fallback : route.fallbacks) {
            if (const auto* call = std::get_if<UpstreamCall>(&fallback.source)) check_name(*call);
        }
    }

private:
    void check(const RouteSettings& route, const UpstreamCall& call) {
        const auto* service = check_name(call);
        if (service == nullptr || !route.cache || route.cache->vary.identity) return;
        if (!service->identity.forward && !service->identity.authorization) return;
        mistakes_.add(call.service_location, "'" + call.service +
                                                 "' is told who asks ('identity'), so 'cache' needs 'vary: identity': else "
                                                 "one caller gets another's answer");
    }

    const UpstreamSettings* check_name(const UpstreamCall& call) {
        const auto& all = settings_.upstreams;
        const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == call.service; });
        if (found != all.end()) return &*found;
        if (!call.service.empty())
            mistakes_.add(call.service_location,
                          "there is no service '" + call.service + "' in 'upstreams'" + suggestion(call.service, names_));
        return nullptr;
    }

    const Settings& settings_;
    Mistakes& mistakes_;
    std::vector<std::string> names_;
};

}  // namespace

void check_services(const Settings& settings, Mistakes& mistakes) {
    ServiceCheck check{settings, mistakes};
    for (const auto& route : settings.routes) check.check(route);
}

bool needs_postgres(const Settings& settings) {
    return std::any_of(settings.routes.begin(), settings.routes.end(), [](const RouteSettings& route) {
        return route.sql_if() || std::any_of(route.fallbacks.begin(), route.fallbacks.end(), [](const Fallback& fallback) {
                   return std::holds_alternative<SqlRoute>(fallback.source);
               });
    });
}

}  // namespace sluice::config

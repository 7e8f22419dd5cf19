#include "app/serving.hpp"

#include "app/same_path.hpp"
#include "endpoints/constant_endpoint.hpp"
#include "endpoints/upstream_endpoint.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>

namespace sluice::app {
namespace {

/// Null: off. A browser brings its cookie back for a minute longer than a replica may lag.
std::unique_ptr<const endpoints::Consistency> make_consistency(const Settings& settings) {
    if (settings.consistency == ConsistencyMode::off || !settings.postgres || settings.auth.key_secrets.empty()) return {};
    const auto age = std::chrono::ceil<std::chrono::seconds>(settings.postgres->max_lag) + std::chrono::minutes{1};
    return std::make_unique<endpoints::Consistency>(settings.consistency, age, settings.auth.key_secrets);
}

template <class Endpoint>
EagerHandler handler_of(std::shared_ptr<Endpoint> endpoint) {
    return [endpoint = std::move(endpoint)](Exchange& exchange) { return endpoint->handle(exchange); };
}

endpoints::SqlEndpoint::Defaults defaults_of(const Configuration& configuration, Serving::Parts parts) {
    const auto& settings = configuration.settings;
    return {settings.server.timeouts.request,
            settings.postgres->timeout,
            settings.server.limits.body,
            settings.server.compress_from.value_or(SIZE_MAX),
            settings.auth.key_secrets,
            &parts.body_lane,
            &configuration.tag_types,
            &parts.dependencies.coherence(),
            settings.server.max_answer,
            &parts.memory,
            &parts.metrics,
            &parts.dependencies.upstreams()};
}

}  // namespace

Serving::Serving(std::shared_ptr<Configuration> configuration, const Own& own, Parts parts)
    : configuration_{configuration},
      codec_{settings_.auth.key_secrets},
      limited_clients_{settings_.rate_limit},
      consistency_{make_consistency(settings_)},
      refused_heads_{parts.dependencies.limits().local(), settings_.tiers, limited_clients_,
                     settings_.server.trusted_proxies, parts.metrics},
      site_{make_site(own, parts)} {
    parts.dependencies.serve(configuration);
}

http::Site Serving::make_site(const Own& own, Parts parts) const {
    http::Router router{routes(own, parts)};
    auto steps = request_steps(step_parts(parts), router.routes(), own.steps);
    const auto& server = settings_.server;
    return {http::Pipeline{std::move(router), std::move(steps), server.timeouts.request, server.limits.body}, server,
            http::FixedHeaders{server.headers},
            [this](std::string_view peer, std::string_view head) { return refused_heads_.count(peer, head); }};
}

std::vector<Route> Serving::routes(const Own& own, Parts parts) const {
    auto all = own.routes;
    std::vector<std::shared_ptr<endpoints::SqlEndpoint>> statements;  // beside settings_.routes; null: another kind
    for (const auto& configured : settings_.routes) {
        statements.push_back(configured.sql_if() ? sql_endpoint(configured, parts) : nullptr);
        Route route;
        route.method = configured.method;
        route.pattern = configured.pattern;
        route.options = configured.options;
        route.eager = statements.back() ? handler_of(statements.back()) : other_endpoint(configured, parts);
        route.body = configured.body_schema ? BodyUse::handler : BodyUse::none;
        all.push_back(std::move(route));
    }
    for (std::size_t i = 0; i < statements.size(); ++i) {
        const auto& configured = settings_.routes[i];
        if (!statements[i] || configured.method == Method::get) continue;
        const auto reader = find_reader(settings_.routes, configured);
        if (reader && statements[*reader]) statements[i]->show_by(statements[*reader]);
    }
    return all;
}

std::shared_ptr<endpoints::SqlEndpoint> Serving::sql_endpoint(const RouteSettings& configured, Parts parts) const {
    if (parts.database == nullptr) throw ConfigurationError{{{configured.location, "a route with SQL needs 'postgres'"}}};
    return std::make_shared<endpoints::SqlEndpoint>(configured, names_in(configured.pattern), *parts.database,
                                                    parts.dependencies.cache(), consistency_.get(),
                                                    defaults_of(*configuration_, parts));
}

EagerHandler Serving::other_endpoint(const RouteSettings& configured, Parts parts) const {
    const auto& server = settings_.server;
    const auto compress_from = server.compress_from.value_or(SIZE_MAX);
    try {
        if (std::holds_alternative<RespondRoute>(configured.kind)) {
            return handler_of(std::make_shared<const endpoints::ConstantEndpoint>(
                configured, names_in(configured.pattern),
                endpoints::RequestValues::Limits{server.limits.body, &parts.body_lane}, compress_from));
        }
        return handler_of(std::make_shared<const endpoints::UpstreamEndpoint>(
            configured, names_in(configured.pattern), parts.dependencies.upstreams(), parts.dependencies.cache(),
            endpoints::UpstreamEndpoint::Defaults{server.timeouts.request, server.limits.body, compress_from,
                                                  &parts.body_lane, &parts.dependencies.coherence(), server.max_answer,
                                                  &parts.memory, &parts.metrics, parts.database,
                                                  settings_.auth.key_secrets}));
    } catch (const std::invalid_argument& error) {
        throw ConfigurationError{{{configured.location, error.what()}}};
    }
}

StepParts Serving::step_parts(Parts parts) const {
    return {settings_,
            parts.metrics,
            codec_,
            parts.dependencies.key_exceptions(),
            limited_clients_,
            parts.dependencies.token_issuers().accepted(),
            parts.dependencies.limits().stores(),
            parts.dependencies.usage_counter()};
}

}  // namespace sluice::app

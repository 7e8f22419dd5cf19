#include "endpoints/upstream_endpoint.hpp"

#include "endpoints/cache_key.hpp"
#include "endpoints/read_answer.hpp"
#include "endpoints/tag_types.hpp"
#include "sluice/problem.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace sluice::endpoints {
namespace {

const UpstreamCall& call_of(const RouteSettings& route) { return std::get<UpstreamRoute>(route.kind).call; }

std::string name_of(const RouteSettings& route) { return std::string{to_string(route.method)} + " " + route.pattern; }

/// What tags are made from: the values as the route declares them.
StatementSpec values_spec(const RouteSettings& route) {
    StatementSpec spec;
    spec.name = name_of(route);
    for (auto& value : values_of(route)) {
        spec.parameters.push_back(std::move(value.name));
        spec.parameter_types.push_back(value.type);
    }
    return spec;
}

RouteTags tags_of(const RouteSettings& route) {
    std::vector<policy::TagTemplate> templates;
    if (route.cache) templates = {route.cache->tags.begin(), route.cache->tags.end()};
    const auto spec = values_spec(route);
    return {std::move(templates), spec, declared_types(route, spec)};
}

std::shared_ptr<const UpstreamSource> source_of(const RouteSettings& route, sluice::Upstreams& upstreams,
                                                UpstreamSource::Parts parts) {
    const auto& call = call_of(route);
    parts.service = upstreams.of(call.service, name_of(route));
    if (!parts.service) throw std::invalid_argument{"there is no upstream '" + call.service + "'"};
    return std::make_shared<const UpstreamSource>(route, call, values_of(route), std::move(parts));
}

CachedAnswer::Settings cached_settings(const RouteSettings& route, const UpstreamSource& source,
                                       const UpstreamEndpoint::Defaults& defaults) {
    CachedAnswer::Settings settings;
    settings.route = name_of(route);
    settings.rule = *route.cache;
    settings.key_prefix = key_prefix(route, "upstream " + source.mark());
    const auto names = json::names_of(call_of(route));
    settings.by_claims = std::find(names.begin(), names.end(), "claims") != names.end();
    settings.envelope = source.envelope();
    settings.compress_from = defaults.compress_from;
    settings.patience = route.options.timeout.value_or(defaults.request_timeout);
    settings.coherence = defaults.coherence;
    return settings;
}

/// A shared answer must not depend on who asks for it first.
UpstreamCaller nobody(UpstreamCaller caller) {
    UpstreamCaller none;
    none.traceparent = std::move(caller.traceparent);
    none.request_id = std::move(caller.request_id);
    return none;
}

}  // namespace

UpstreamEndpoint::UpstreamEndpoint(RouteSettings route, std::vector<std::string> path_names, sluice::Upstreams& upstreams,
                                   cache::TwoLevelCache& cache, const Defaults& defaults)
    : route_{std::move(route)},
      defaults_{defaults},
      in_flight_{std::make_shared<const InFlight>(defaults.memory, defaults.metrics)},
      requests_{route_, std::move(path_names), {defaults.body_limit, defaults.body_lane}, in_flight_},
      source_{source_of(route_, upstreams, {nullptr, in_flight_, defaults.body_lane, defaults.max_answer})},
      fields_{std::make_shared<const AnswerFields>(route_)},
      tags_{tags_of(route_)},
      fallbacks_{route_, requests_.parameters().size(),
                 Fallbacks::Parts{defaults.database, &upstreams, in_flight_, defaults.body_lane,
                                  SqlSource::Defaults{defaults.max_answer, defaults.key_secrets, defaults.metrics},
                                  defaults.metrics, defaults.compress_from}} {
    if (route_.cache)
        cached_.emplace(cached_settings(route_, *source_, defaults_), cache, static_cast<const CachedSource&>(*this),
                        in_flight_);
}

Outcome UpstreamEndpoint::handle(Exchange& exchange) const {
    if (cached_) return cached_->handle(exchange, {});
    return answer(exchange);
}

awaitable<std::variant<CachedSource::Asked, Response>> UpstreamEndpoint::ask(Exchange& exchange, const After&) const {
    InFlight::Held held;
    auto outcome = co_await requests_.bind(exchange, held);
    if (auto* refusal = std::get_if<Response>(&outcome)) co_return std::move(*refusal);
    auto& values = std::get<Values>(outcome);
    auto request = source_->request(exchange, values);
    if (const auto* wrong = std::get_if<Problem>(&request)) co_return to_response(*wrong, exchange.request_id);
    auto& made = std::get<UpstreamRequest>(request);
    if (!route_.cache->vary.identity) made.caller = nobody(std::move(made.caller));
    auto spelled = tags_.spell(values, nullptr);
    endpoints::answer(spelled, {});
    Asked asked;
    asked.tags = tags_.fill(spelled.parameters);
    asked.load = [loading =
                      Loading{source_, fields_, std::move(made), std::move(values), exchange.executor, defaults_.coherence}](
                     cache::From, Deadline deadline) { return load(loading, deadline); };
    co_return asked;
}

awaitable<cache::LoadResult> UpstreamEndpoint::load(Loading loading, Deadline deadline) {
    // Taken before the call: what is invalidated while it runs ends the copy.
    auto label = loading.coherence != nullptr ? loading.coherence->label() : std::nullopt;
    auto loaded = co_await loading.source->load(std::move(loading.request), loading.executor, deadline);
    if (loaded.has_error()) co_return loaded;
    loaded->label = std::move(label);
    if (loaded->found) loading.fields->add_to(loaded->headers, loading.values, {});
    co_return loaded;
}

Response UpstreamEndpoint::given_up(const Exchange& exchange, const cache::Failure& failure) const {
    using Cause = cache::Failure::Cause;
    auto problem = Problem::of(500, "An error on our side; it has been logged.");
    if (failure.cause == Cause::timed_out) problem = Problem::of(504, "The service behind this API did not answer in time.");
    if (failure.cause == Cause::stopping) {
        problem = Problem::of(503, "The server is stopping.");
        problem.retry_after = std::chrono::seconds{1};
    }
    return to_response(problem, exchange.request_id);
}

void UpstreamEndpoint::add_to(Response&, const Exchange&, std::string_view) const {}

awaitable<std::optional<Response>> UpstreamEndpoint::fall_back(Exchange& exchange) const {
    if (fallbacks_.empty()) co_return std::nullopt;
    InFlight::Held held;
    auto outcome = co_await requests_.bind(exchange, held);
    if (!std::holds_alternative<Values>(outcome)) co_return std::nullopt;
    co_return co_await fallbacks_.answer(exchange, std::get<Values>(std::move(outcome)));
}

awaitable<Response> UpstreamEndpoint::answer(Exchange& exchange) const {
    InFlight::Held held;
    auto outcome = co_await requests_.bind(exchange, held);
    if (auto* refusal = std::get_if<Response>(&outcome)) co_return std::move(*refusal);
    auto& values = std::get<Values>(outcome);
    auto request = source_->request(exchange, values);
    if (const auto* wrong = std::get_if<Problem>(&request)) co_return to_response(*wrong, exchange.request_id);
    auto loaded =
        co_await source_->load(std::get<UpstreamRequest>(std::move(request)), exchange.executor, exchange.deadline);
    if (loaded.has_value() && loaded->found)
        co_return co_await answer_loaded(exchange, std::move(*loaded), std::move(values));
    if (loaded.has_value()) co_return not_found(exchange);
    if (loaded.error().may_stand_in && !fallbacks_.empty()) {
        if (auto instead = co_await fallbacks_.answer(exchange, std::move(values))) co_return std::move(*instead);
    }
    co_return loaded.error().answer(exchange);
}

awaitable<Response> UpstreamEndpoint::answer_loaded(const Exchange& exchange, cache::Loaded loaded, Values values) const {
    OwnAnswer own;
    own.status = loaded.status;
    own.body = std::move(loaded.body);
    if (route_.method == Method::get) own.etag = std::move(loaded.etag);
    fields_->add_to(own.headers, values, {});
    auto response = co_await answer_own(exchange, std::move(own), defaults_.compress_from);
    InFlight::hold(response, std::static_pointer_cast<const InFlight::Share>(std::move(loaded.memory)));
    co_return response;
}

}  // namespace sluice::endpoints

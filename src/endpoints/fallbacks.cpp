#include "endpoints/fallbacks.hpp"

#include "endpoints/read_answer.hpp"
#include "endpoints/route_statement.hpp"
#include "sluice/problem.hpp"

#include <stdexcept>
#include <utility>
#include <variant>

namespace sluice::endpoints {
namespace {

cache::Loaded constant(const std::string& json, unsigned status, bool envelope) {
    cache::Loaded loaded;
    loaded.found = true;
    loaded.status = status;
    loaded.body = envelope ? "{\"data\":" + json + "}" : json;
    return loaded;
}

}  // namespace

Fallbacks::Fallbacks(const RouteSettings& route, std::size_t parameters, const Parts& parts)
    : envelope_{route.envelope.value_or(true)}, compress_from_{parts.compress_from} {
    for (const auto& fallback : route.fallbacks) steps_.push_back(step_of(fallback, route, parameters, parts));
}

Fallbacks::Step Fallbacks::step_of(const Fallback& fallback, const RouteSettings& route, std::size_t parameters,
                                   const Parts& parts) const {
    Step step;
    const auto count_as = [&](std::string_view kind) {
        if (parts.metrics != nullptr) step.used = parts.metrics->fallbacks(route.pattern, kind);
    };
    if (const auto* statement = std::get_if<SqlRoute>(&fallback.source)) {
        if (parts.database == nullptr) throw std::invalid_argument{"a fallback with SQL needs 'postgres'"};
        count_as("sql");
        const auto source = std::make_shared<const SqlSource>(with_source(route, *statement), parameters, *parts.database,
                                                              parts.in_flight, parts.sql);
        step.load = [source](const Exchange& exchange, Values values) {
            return source->load({std::move(values), {}, {}}, std::nullopt, cache::From::anywhere, exchange.deadline);
        };
    } else if (const auto* call = std::get_if<UpstreamCall>(&fallback.source)) {
        count_as("upstream");
        const auto other = with_source(route, UpstreamRoute{*call});
        const auto names = values_of(other);
        auto service = parts.upstreams ? parts.upstreams->of(call->service, route.pattern + " fallback") : nullptr;
        if (!service) throw std::invalid_argument{"there is no upstream '" + call->service + "'"};
        const auto source = std::make_shared<const UpstreamSource>(
            other, *call, names,
            UpstreamSource::Parts{std::move(service), parts.in_flight, parts.lane, parts.sql.max_answer});
        step.load = [source](const Exchange& exchange, Values values) -> awaitable<cache::LoadResult> {
            auto request = source->request(exchange, values);
            if (std::holds_alternative<Problem>(request))
                return []() -> awaitable<cache::LoadResult> { co_return cache::Failure{}; }();
            return source->load(std::get<UpstreamRequest>(std::move(request)), exchange.executor, exchange.deadline);
        };
    } else {
        count_as("body");
        auto loaded = constant(std::get<Fallback::Constant>(fallback.source).json, route.status, envelope_);
        step.load = [loaded = std::move(loaded)](const Exchange&, Values) {
            return [](cache::Loaded answer) -> awaitable<cache::LoadResult> { co_return answer; }(loaded);
        };
    }
    return step;
}

awaitable<std::optional<Response>> Fallbacks::answer(Exchange& exchange, Values values) const {
    for (const auto& step : steps_) {
        if (exchange.client_gone || exchange.deadline.passed(Clock::now())) break;
        auto loaded = co_await step.load(exchange, values);
        if (loaded.has_error()) continue;
        step.used.add();
        exchange.cache_status = "fallback";
        if (!loaded->found) co_return not_found(exchange);
        auto response = co_await response_of(exchange, std::move(*loaded));
        co_return response;
    }
    co_return std::nullopt;
}

awaitable<Response> Fallbacks::response_of(const Exchange& exchange, cache::Loaded loaded) const {
    OwnAnswer own;
    own.status = loaded.status;
    if (envelope_)
        own.body = co_await with_member(loaded.body, "\"degraded\":true");
    else
        own.body = std::move(loaded.body);
    own.headers.add("Cache-Status", "sluice; fwd=miss; detail=fallback");
    co_return co_await answer_own(exchange, std::move(own), compress_from_);
}

}  // namespace sluice::endpoints

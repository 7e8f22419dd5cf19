#include "http/pipeline.hpp"

#include "sluice/problem.hpp"
#include "telemetry/log.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <utility>

namespace sluice::http {
namespace {

/// What the session's cancelling of a handler looks like from inside.
bool is_cancellation(const std::exception_ptr& error) noexcept {
    try {
        std::rethrow_exception(error);
    } catch (const boost::system::system_error& failure) {
        return failure.code() == boost::asio::error::operation_aborted;
    } catch (...) {
        return false;
    }
}

}  // namespace

Pipeline::Pipeline(Router router, std::vector<std::shared_ptr<Middleware>> steps, Duration default_timeout,
                   std::size_t body_limit)
    : router_{std::move(router)}, steps_{std::move(steps)}, default_timeout_{default_timeout}, body_limit_{body_limit} {}

std::optional<Response> Pipeline::begin(Exchange& exchange, Way& way) const {
    router_.match(exchange);
    const auto& timeout = exchange.route->options.timeout;
    exchange.deadline = Deadline::after(exchange.received, timeout ? Duration{*timeout} : default_timeout_);
    try {
        go_on(exchange, way);
    } catch (...) {
        way.error = std::current_exception();
    }
    if (way.step || way.handler) return std::nullopt;
    return conclude(exchange, way);
}

awaitable<Response> Pipeline::finish(Exchange& exchange, Way& way) const {
    try {
        while (way.step || way.handler) {
            if (auto step = std::exchange(way.step, std::nullopt)) {
                way.response = co_await std::move(*step);
                if (!way.response) go_on(exchange, way);
            } else {
                auto handler = std::exchange(way.handler, std::nullopt);
                way.response.emplace(co_await std::move(*handler));
            }
        }
    } catch (...) {
        way.error = std::current_exception();
    }
    co_return conclude(exchange, way);
}

/// To the answer, or to the next wait.
void Pipeline::go_on(Exchange& exchange, Way& way) const {
    while (way.entered < steps_.size()) {
        Step decision = steps_[way.entered++]->before(exchange);
        if (auto* answer = std::get_if<Response>(&decision)) {
            way.response.emplace(std::move(*answer));
            return;
        }
        if (auto* wait = std::get_if<awaitable<std::optional<Response>>>(&decision)) {
            way.step.emplace(std::move(*wait));
            return;
        }
    }
    const auto& route = *exchange.route;
    if (route.body == BodyUse::none && exchange.has_body()) {
        way.handler.emplace(behind_body(exchange));
        return;
    }
    if (!route.eager) {
        way.handler.emplace(route.handler(exchange));
        return;
    }
    auto outcome = route.eager(exchange);
    if (auto* answer = std::get_if<Response>(&outcome)) {
        way.response.emplace(std::move(*answer));
    } else {
        way.handler.emplace(std::move(std::get<awaitable<Response>>(outcome)));
    }
}

/// For a handler that does not want the body: it runs once all of that has come.
awaitable<Response> Pipeline::behind_body(Exchange& exchange) const {
    const auto& route = *exchange.route;
    co_await exchange.skip_body(route.options.body_limit.value_or(body_limit_));
    if (!route.eager) co_return co_await route.handler(exchange);
    auto outcome = route.eager(exchange);
    if (auto* answer = std::get_if<Response>(&outcome)) co_return std::move(*answer);
    co_return co_await std::get<awaitable<Response>>(std::move(outcome));
}

Response Pipeline::conclude(Exchange& exchange, Way& way) const {
    if (way.error) way.response.emplace(recover(exchange, way.error, way.entered));
    while (way.entered > 0) steps_[--way.entered]->after(exchange, *way.response);
    return std::move(*way.response);
}

Response Pipeline::recover(Exchange& exchange, std::exception_ptr error, std::size_t entered) const {
    if (is_cancellation(error)) {
        // Read by nobody but the log and the metrics, where it is no failure of ours.
        if (exchange.client_gone) {
            error = std::make_exception_ptr(ProblemError{Problem::of(499, "The client closed the connection.")});
        } else if (exchange.deadline.passed(Clock::now())) {
            error = std::make_exception_ptr(ProblemError{Problem::of(504, "The request took too long.")});
        }
    }
    while (entered > 0) {
        if (auto answer = steps_[--entered]->recover(exchange, error)) return std::move(*answer);
    }
    log::error("unhandled_exception", {{"route", exchange.route->pattern}, {"request_id", exchange.request_id}});
    return to_response(Problem::of(500, "Something went wrong on our side."), exchange.request_id);
}

}  // namespace sluice::http

#include "http/pipeline.hpp"

#include "sluice/problem.hpp"
#include "telemetry/log.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

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

Pipeline::Pipeline(Router router, std::vector<std::unique_ptr<Middleware>> steps, Duration default_timeout)
    : router_{std::move(router)}, steps_{std::move(steps)}, default_timeout_{default_timeout} {}

void Pipeline::prepare(Exchange& exchange) const {
    router_.match(exchange);
    const auto& timeout = exchange.route->options.timeout;
    exchange.deadline = Deadline::after(exchange.received, timeout ? Duration{*timeout} : default_timeout_);
}

awaitable<Response> Pipeline::handle(Exchange& exchange) const {
    if (!exchange.route) prepare(exchange);
    std::size_t entered = 0;
    std::optional<Response> response;
    std::exception_ptr error;
    try {
        while (!response && entered < steps_.size()) {
            Step decision = steps_[entered++]->before(exchange);
            if (auto* answer = std::get_if<Response>(&decision)) {
                response.emplace(std::move(*answer));
            } else if (auto* wait = std::get_if<awaitable<std::optional<Response>>>(&decision)) {
                response = co_await std::move(*wait);
            }
        }
        if (!response) {
            auto answer = exchange.route->handler(exchange);
            response.emplace(co_await std::move(answer));
        }
    } catch (...) {
        error = std::current_exception();  // handled outside: nothing may wait inside a catch block
    }
    if (error) response.emplace(recover(exchange, error, entered));
    while (entered > 0) steps_[--entered]->after(exchange, *response);
    co_return std::move(*response);
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

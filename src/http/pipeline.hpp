// A request's way through the steps to its route's handler, and the answer's way back.
#pragma once

#include "http/router.hpp"
#include "sluice/deadline.hpp"
#include "sluice/exchange.hpp"
#include "sluice/middleware.hpp"
#include "sluice/settings.hpp"

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <vector>

namespace sluice::http {

class Pipeline {
public:
    /// `default_timeout`: the deadline of routes that set none, from the moment the head was complete. `body_limit`: for
    /// bodies that nobody wants, on routes that set none.
    Pipeline(Router router, std::vector<std::shared_ptr<Middleware>> steps, Duration default_timeout,
             std::size_t body_limit = ServerSettings::Limits{}.body);

    /// How far a request has come. Made by `begin`, used up by `finish`.
    class Way {
        friend class Pipeline;
        std::size_t entered = 0;  // steps whose `before` was called
        std::optional<Response> response;
        std::exception_ptr error;
        // What it waits for.
        std::optional<awaitable<std::optional<Response>>> step;
        std::optional<awaitable<Response>> handler;
    };

    /// Matches the route and sets the deadline, then runs each step's `before` in order, the handler, and `after` in reverse
    /// for every step whose `before` was called. A step that answers ends the way there. An exception goes to the `recover`
    /// of those steps in reverse until one answers; if none does, the answer is a bare 500. An operation that was cancelled
    /// because the client has gone or the deadline passed is shown to them as ProblemError 499 or 504. Never throws.
    ///
    /// Goes as far as it can without waiting. Nothing: `finish` has the answer.
    std::optional<Response> begin(Exchange& exchange, Way& way) const;
    awaitable<Response> finish(Exchange& exchange, Way& way) const;

    const Router& router() const noexcept { return router_; }

private:
    void go_on(Exchange& exchange, Way& way) const;
    awaitable<Response> behind_body(Exchange& exchange) const;
    Response conclude(Exchange& exchange, Way& way) const;
    Response recover(Exchange& exchange, std::exception_ptr error, std::size_t entered) const;

    Router router_;
    std::vector<std::shared_ptr<Middleware>> steps_;
    Duration default_timeout_;
    std::size_t body_limit_;
};

}  // namespace sluice::http

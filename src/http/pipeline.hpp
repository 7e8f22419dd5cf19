// A request's way through the steps to its route's handler, and the answer's way back.
#pragma once

#include "http/router.hpp"
#include "sluice/deadline.hpp"
#include "sluice/exchange.hpp"
#include "sluice/middleware.hpp"

#include <cstddef>
#include <exception>
#include <memory>
#include <vector>

namespace sluice::http {

class Pipeline {
public:
    /// `default_timeout`: the deadline of routes that set none, from the moment the head was complete.
    Pipeline(Router router, std::vector<std::unique_ptr<Middleware>> steps, Duration default_timeout);

    /// Matches the route and sets the deadline.
    void prepare(Exchange& exchange) const;

    /// Prepares the exchange unless that was done, then runs each step's `before` in order, the handler, and `after` in
    /// reverse for every step whose `before` was called. A step that answers ends the way there. An exception goes to the
    /// `recover` of those steps in reverse until one answers; if none does, the answer is a bare 500. An operation that was
    /// cancelled because the client has gone or the deadline passed is shown to them as ProblemError 499 or 504. Never
    /// throws.
    awaitable<Response> handle(Exchange& exchange) const;

    const Router& router() const noexcept { return router_; }

private:
    Response recover(Exchange& exchange, std::exception_ptr error, std::size_t entered) const;

    Router router_;
    std::vector<std::unique_ptr<Middleware>> steps_;
    Duration default_timeout_;
};

}  // namespace sluice::http

// One step of the pipeline.
#pragma once

#include "sluice/exchange.hpp"
#include "sluice/executor.hpp"
#include "sluice/response.hpp"

#include <exception>
#include <optional>
#include <variant>

namespace sluice {

/// Go on to the next step.
struct Proceed {};

/// What a step decided: go on; answer now; or wait, then either go on (no value) or answer.
/// A step that need not wait returns one of the first two and costs no coroutine frame.
using Step = std::variant<Proceed, Response, awaitable<std::optional<Response>>>;

/// A step around the handler. `before` runs in the pipeline's order, `after` in reverse, on the exchange's own loop.
/// One object serves all loops at once: its state must be safe for that.
class Middleware {
public:
    virtual ~Middleware() = default;

    /// May throw; see `recover`.
    virtual Step before(Exchange& exchange) {
        static_cast<void>(exchange);
        return Proceed{};
    }
    /// Runs for every step whose `before` was called, also when that or a later one answered or threw.
    virtual void after(Exchange& exchange, Response& response) noexcept {
        static_cast<void>(exchange);
        static_cast<void>(response);
    }
    /// Turns an exception of a later step or the handler into an answer. Nothing: it is not this step's concern.
    virtual std::optional<Response> recover(Exchange& exchange, std::exception_ptr error) noexcept {
        static_cast<void>(exchange);
        static_cast<void>(error);
        return std::nullopt;
    }
};

}  // namespace sluice

#include "middleware/error_boundary.hpp"

#include "sluice/handler.hpp"
#include "sluice/problem.hpp"
#include "telemetry/log.hpp"

namespace sluice::middleware {

std::optional<Response> ErrorBoundary::recover(Exchange& exchange, std::exception_ptr error) noexcept {
    try {
        std::rethrow_exception(error);
    } catch (const ProblemError& problem) {
        return to_response(problem.problem(), exchange.request_id);
    } catch (const std::exception& unexpected) {
        log::error("handler_failed",
                   {{"route", exchange.route->pattern}, {"request_id", exchange.request_id}, {"error", unexpected.what()}});
    } catch (...) {
        log::error("handler_failed", {{"route", exchange.route->pattern}, {"request_id", exchange.request_id}});
    }
    return to_response(Problem::of(500, "An error on our side; it has been logged."), exchange.request_id);
}

}  // namespace sluice::middleware

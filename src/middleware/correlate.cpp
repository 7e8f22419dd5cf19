#include "middleware/correlate.hpp"

#include "middleware/request_identity.hpp"
#include "telemetry/log.hpp"

namespace sluice::middleware {
namespace {}  // namespace

Step Correlate::before(Exchange& exchange) {
    const auto& request = exchange.request;
    const auto given = request.header("X-Request-Id");
    if (given && is_request_id(*given)) {
        exchange.request_id = *given;
    } else {
        make_request_id(exchange.request_id);
    }
    if (const auto parent = request.header("traceparent"); parent && is_traceparent(*parent))
        exchange.trace.traceparent = *parent;
    if (request.header("X-Forwarded-For")) {
        exchange.client_address =
            proxies_.client_address(request.remote_address, request.combined_header("X-Forwarded-For"));
    }
    return Proceed{};
}

void Correlate::after(Exchange& exchange, Response& response) noexcept {
    try {
        response.headers.set("X-Request-Id", exchange.request_id);
    } catch (const std::exception& error) {
        log::error("a request's id could not be returned", {{"error", error.what()}});
    }
}

}  // namespace sluice::middleware

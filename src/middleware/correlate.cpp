#include "middleware/correlate.hpp"

#include "middleware/request_identity.hpp"
#include "telemetry/log.hpp"
#include "telemetry/redact.hpp"

namespace sluice::middleware {
namespace {

/// Fit to be written down wherever a request is named: a log, an answer, another service.
bool is_fit(std::string_view id) {
    std::string redacted;
    return is_request_id(id) && log::without_credentials(id, redacted) == id;
}

}  // namespace

Step Correlate::before(Exchange& exchange) {
    const auto& request = exchange.request;
    const auto given = request.header("X-Request-Id");
    if (given && is_fit(*given)) {
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
        log::error("request_id_not_returned", {{"error", error.what()}});
    }
}

}  // namespace sluice::middleware

#include "middleware/correlate.hpp"

#include "middleware/request_identity.hpp"
#include "telemetry/log.hpp"

namespace sluice::middleware {
namespace {

std::string joined(const Request& request, std::string_view name) {
    std::string all;
    for (const auto& field : request.headers) {
        if (!equal_ignoring_case(field.name, name)) continue;
        if (!all.empty()) all += ", ";
        all += field.value;
    }
    return all;
}

}  // namespace

Step Correlate::before(Exchange& exchange) {
    const auto& request = exchange.request;
    const auto given = request.header("X-Request-Id");
    exchange.request_id = given && is_request_id(*given) ? std::string{*given} : make_request_id();
    if (const auto parent = request.header("traceparent"); parent && is_traceparent(*parent))
        exchange.trace.traceparent = *parent;
    exchange.client_address = proxies_.client_address(request.remote_address, joined(request, "X-Forwarded-For"));
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

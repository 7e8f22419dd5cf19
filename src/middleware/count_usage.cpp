#include "middleware/count_usage.hpp"

#include "telemetry/log.hpp"

namespace sluice::middleware {

void CountUsage::after(Exchange& exchange, Response& response) noexcept {
    if (exchange.identity.kind != Identity::Kind::api_key) return;
    try {
        const bool has_body = exchange.request.method != Method::head;
        const auto usage = policy::usage_of(response.status, has_body ? response.body_view().size() : 0);
        counter_.count(exchange.identity.id, std::chrono::floor<std::chrono::days>(clock_()), usage);
    } catch (const std::exception& error) {
        log::error("usage_not_counted", {{"error", error.what()}});
    }
}

}  // namespace sluice::middleware

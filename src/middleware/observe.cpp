#include "middleware/observe.hpp"

#include "middleware/request_identity.hpp"
#include "sluice/handler.hpp"
#include "telemetry/log.hpp"
#include "telemetry/redact.hpp"

namespace sluice::middleware {
namespace {

std::uint32_t key_of(Method method, unsigned status) { return (static_cast<std::uint32_t>(method) + 1) << 16 | status; }

}  // namespace

Observe::Observe(telemetry::Metrics& metrics, AccessLog access, std::size_t routes)
    : metrics_{metrics}, in_flight_{metrics.http_in_flight()}, access_{access} {
    for (std::size_t i = 0; i < routes; ++i) by_route_.push_back(std::make_unique<RouteSeries>());
}

Step Observe::before(Exchange& exchange) {
    static_cast<void>(exchange);
    in_flight_.add(1);
    return Proceed{};
}

void Observe::after(Exchange& exchange, Response& response) noexcept {
    in_flight_.add(-1);
    try {
        const auto taken = Clock::now() - exchange.received;
        count(exchange, response.status, taken);
        if (access_ == AccessLog::all || (access_ == AccessLog::errors && response.status >= 500))
            log(exchange, response, taken);
    } catch (const std::exception& error) {
        log::error("request_not_recorded", {{"error", error.what()}});
    }
}

void Observe::count(const Exchange& exchange, unsigned status, Duration taken) {
    const auto key = key_of(exchange.request.method, status);
    const double seconds = std::chrono::duration<double>(taken).count();
    auto& route = *by_route_.at(exchange.route->index);
    for (const auto& series : route.series) {
        const auto present = series.key.load(std::memory_order_acquire);
        if (present == key) {
            series.requests.add();
            series.duration.observe(seconds);
            return;
        }
        if (present == 0) break;
    }
    const auto method = to_string(exchange.request.method);
    const auto requests = metrics_.http_requests(exchange.route->pattern, method, status);
    const auto duration = metrics_.http_request_duration(exchange.route->pattern, method);
    requests.add();
    duration.observe(seconds);
    const std::lock_guard lock{route.filling};
    for (auto& series : route.series) {
        if (series.key.load(std::memory_order_relaxed) == key) return;
        if (series.key.load(std::memory_order_relaxed) != 0) continue;
        series.requests = requests;
        series.duration = duration;
        series.key.store(key, std::memory_order_release);
        return;
    }
}

void Observe::log(const Exchange& exchange, const Response& response, Duration taken) const {
    const auto& request = exchange.request;
    std::string redacted;
    log::info("request", {
                             {"request_id", exchange.request_id},
                             {"trace_id", trace_id(exchange.trace.traceparent)},
                             {"client", exchange.client_address},
                             {"method", to_string(request.method)},
                             {"target", log::without_credentials(request.target, redacted)},
                             {"route", exchange.route->pattern},
                             {"status", response.status},
                             {"bytes", response.body_view().size()},
                             {"ms", std::chrono::duration<double, std::milli>(taken).count()},
                             {"key", exchange.identity.id},
                             {"tier", exchange.identity.tier},
                             {"cache", exchange.cache_status},
                         });
}

}  // namespace sluice::middleware

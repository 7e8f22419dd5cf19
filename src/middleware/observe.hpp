// Counts, times and logs every answer.
#pragma once

#include "sluice/middleware.hpp"
#include "sluice/settings.hpp"
#include "telemetry/metrics.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

namespace sluice::middleware {

class Observe final : public Middleware {
public:
    /// `routes`: how many the router has, its built-in ones included.
    Observe(telemetry::Metrics& metrics, AccessLog access, std::size_t routes);

    Step before(Exchange& exchange) override;
    void after(Exchange& exchange, Response& response) noexcept override;

private:
    /// The series of one method and status of a route.
    struct Series {
        std::atomic<std::uint32_t> key{0};  // method and status; 0: free
        telemetry::Counter requests;
        telemetry::Histogram duration;
    };
    /// A route answers with few statuses: a short list, filled on first use, searched without a lock.
    struct RouteSeries {
        std::mutex filling;
        std::array<Series, 24> series;
    };

    void count(const Exchange& exchange, unsigned status, Duration taken);
    void log(const Exchange& exchange, const Response& response, Duration taken) const;

    telemetry::Metrics& metrics_;
    telemetry::Gauge in_flight_;
    const AccessLog access_;
    std::vector<std::unique_ptr<RouteSeries>> by_route_;
};

}  // namespace sluice::middleware

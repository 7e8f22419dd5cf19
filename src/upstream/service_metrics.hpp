// What metrics tell of one service. Any thread.
#pragma once

#include "sluice/ports/upstream.hpp"
#include "telemetry/metrics.hpp"

#include <array>
#include <cstddef>
#include <string_view>

namespace sluice::upstream {

class ServiceMetrics {
public:
    /// How a request ended that did not end with one of UpstreamError's kinds.
    enum class Result {
        ok,            // an answer below 500
        server_error,  // an answer of 500 or more
        cancelled,     // the client went away, or the process ends
    };

    ServiceMetrics(telemetry::Metrics& metrics, std::string_view service);

    void count(Result result, double seconds) const;
    void count(UpstreamError::Kind kind, double seconds) const;
    void show_connections(std::size_t idle, std::size_t busy) const;
    /// Each endpoint is in one of these states.
    void show_endpoints(std::size_t usable, std::size_t ejected, std::size_t ill, std::size_t unresolved) const;

private:
    static constexpr std::size_t kinds = static_cast<std::size_t>(UpstreamError::Kind::invalid) + 1;
    const telemetry::Counter ok_, server_error_, cancelled_;
    std::array<telemetry::Counter, kinds> failed_;
    const telemetry::Histogram seconds_;
    const telemetry::Gauge idle_, busy_;
    const telemetry::Gauge usable_, ejected_, ill_, unresolved_;
};

}  // namespace sluice::upstream

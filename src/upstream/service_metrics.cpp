#include "upstream/service_metrics.hpp"

namespace sluice::upstream {

ServiceMetrics::ServiceMetrics(telemetry::Metrics& metrics, std::string_view service)
    : ok_{metrics.upstream_requests(service, "ok")},
      server_error_{metrics.upstream_requests(service, "server_error")},
      cancelled_{metrics.upstream_requests(service, "cancelled")},
      seconds_{metrics.upstream_request_seconds(service)},
      idle_{metrics.upstream_connections(service, "idle")},
      busy_{metrics.upstream_connections(service, "busy")},
      usable_{metrics.upstream_endpoints(service, "usable")},
      ejected_{metrics.upstream_endpoints(service, "ejected")},
      ill_{metrics.upstream_endpoints(service, "ill")},
      unresolved_{metrics.upstream_endpoints(service, "unresolved")} {
    for (std::size_t i = 0; i < kinds; ++i)
        failed_[i] = metrics.upstream_requests(service, to_string(static_cast<UpstreamError::Kind>(i)));
}

void ServiceMetrics::count(Result result, double seconds) const {
    switch (result) {
        case Result::ok:
            ok_.add();
            break;
        case Result::server_error:
            server_error_.add();
            break;
        case Result::cancelled:
            return cancelled_.add();
    }
    seconds_.observe(seconds);
}

void ServiceMetrics::count(UpstreamError::Kind kind, double seconds) const {
    using Kind = UpstreamError::Kind;
    failed_[static_cast<std::size_t>(kind)].add();
    if (kind != Kind::unavailable && kind != Kind::overloaded && kind != Kind::invalid) seconds_.observe(seconds);
}

void ServiceMetrics::show_connections(std::size_t idle, std::size_t busy) const {
    idle_.set(static_cast<double>(idle));
    busy_.set(static_cast<double>(busy));
}

void ServiceMetrics::show_endpoints(std::size_t usable, std::size_t ejected, std::size_t ill, std::size_t unresolved) const {
    usable_.set(static_cast<double>(usable));
    ejected_.set(static_cast<double>(ejected));
    ill_.set(static_cast<double>(ill));
    unresolved_.set(static_cast<double>(unresolved));
}

}  // namespace sluice::upstream

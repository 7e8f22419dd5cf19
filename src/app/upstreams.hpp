// The HTTP services of a configuration, as routes ask for them by name.
#pragma once

#include "admin/health.hpp"
#include "runtime/event_loops.hpp"
#include "sluice/ports/upstream.hpp"
#include "sluice/upstream_settings.hpp"
#include "telemetry/metrics.hpp"
#include "upstream/service.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::app {

class Upstreams final : public sluice::Upstreams {
public:
    /// Connects nothing yet. Throws std::runtime_error if a file of `tls` is of no use. Loops and metrics outlive it.
    Upstreams(const std::vector<UpstreamSettings>& settings, runtime::EventLoops& loops, telemetry::Metrics& metrics);

    std::shared_ptr<Upstream> of(std::string_view service, std::string_view route) override;

    /// Waits a moment for the names of services to be found. A service that is away holds nothing up.
    void start();
    /// While the loops still run. What is under way is cut.
    void stop();

    /// Each as `upstream:NAME`.
    std::vector<admin::DependencyHealth> health() const;
    /// Sets the gauges that are read when they are asked for.
    void refresh_metrics(TimePoint now) const;

private:
    std::map<std::string, std::shared_ptr<upstream::Service>, std::less<>> services_;
};

}  // namespace sluice::app

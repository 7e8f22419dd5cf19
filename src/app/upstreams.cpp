#include "app/upstreams.hpp"

namespace sluice::app {
namespace {

constexpr auto patience = std::chrono::seconds{2};  // for the names of all of them

}  // namespace

Upstreams::Upstreams(const std::vector<UpstreamSettings>& settings, runtime::EventLoops& loops,
                     telemetry::Metrics& metrics) {
    for (const auto& one : settings) services_.emplace(one.name, std::make_shared<upstream::Service>(one, loops, metrics));
}

std::shared_ptr<Upstream> Upstreams::of(std::string_view service, std::string_view route) {
    const auto found = services_.find(service);
    return found == services_.end() ? nullptr : found->second->route(route);
}

void Upstreams::start() {
    for (const auto& [name, service] : services_) service->start();
    const auto deadline = Deadline::after(Clock::now(), patience);
    for (const auto& [name, service] : services_) service->wait_for_names(deadline);
}

void Upstreams::stop() {
    for (const auto& [name, service] : services_) service->stop();
}

std::vector<admin::DependencyHealth> Upstreams::health() const {
    std::vector<admin::DependencyHealth> all;
    for (const auto& [name, service] : services_) {
        auto state = service->state(Clock::now());
        all.push_back({"upstream:" + name, state == "ok", std::move(state)});
    }
    return all;
}

void Upstreams::refresh_metrics(TimePoint now) const {
    for (const auto& [name, service] : services_) service->refresh_metrics(now);
}

}  // namespace sluice::app

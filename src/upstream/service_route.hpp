// A service as one route uses it: what a 500 counts for.
#pragma once

#include "upstream/service.hpp"

#include <memory>
#include <string>
#include <utility>

namespace sluice::upstream {

/// A service's breaker as its settings say.
policy::CircuitBreaker::Settings breaker_settings(const UpstreamSettings::Breaker& configured);

class Service::Route final : public Upstream, public std::enable_shared_from_this<Service::Route> {
public:
    Route(std::shared_ptr<Service> service, std::string name)
        : service_{std::move(service)},
          name_{std::move(name)},
          metrics_{service_->metrics_, "upstream:" + service_->settings_.name + " " + name_},
          breaker_{breaker_settings(service_->settings_.breaker), [this](policy::CircuitBreaker::State to) {
                       const bool opened = to == policy::CircuitBreaker::State::open;
                       metrics_.tell(to, opened ? to_string(breaker_.reason()) : std::string_view{});
                       metrics_.show(to);
                   }} {}

    awaitable<Result<UpstreamAnswer>> fetch(UpstreamRequest request, std::size_t max_body, Deadline deadline) override {
        return service_->fetch(shared_from_this(), std::move(request), max_body, deadline);
    }

    awaitable<Result<void>> pass(UpstreamRequest request, UpstreamBodySource* source, UpstreamAnswerSink& sink,
                                 Deadline head_by) override {
        return service_->pass(shared_from_this(), std::move(request), source, sink, head_by);
    }

    const std::string& name() const noexcept { return name_; }
    policy::CircuitBreaker& breaker() noexcept { return breaker_; }

private:
    const std::shared_ptr<Service> service_;
    const std::string name_;
    const telemetry::BreakerMetrics metrics_;
    policy::CircuitBreaker breaker_;
};

}  // namespace sluice::upstream

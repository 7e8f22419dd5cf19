#include "upstream/health_checks.hpp"

#include "runtime/random_bits.hpp"
#include "telemetry/log.hpp"
#include "upstream/service.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>

#include <utility>

namespace sluice::upstream {
namespace {

constexpr unsigned failures_of_an_ill_one = 2;
constexpr std::size_t max_body = 64 * 1024;  // of an answer nobody reads

}  // namespace

HealthChecks::HealthChecks(const std::shared_ptr<Service>& service, Executor executor)
    : service_{service}, executor_{executor}, interval_{service->settings_.health->interval} {
    for (std::size_t i = 0; i < service->endpoints_.size(); ++i) timers_.emplace_back(executor);
}

void HealthChecks::start() {
    for (std::size_t i = 0; i < timers_.size(); ++i)
        boost::asio::co_spawn(executor_, watch(shared_from_this(), i), boost::asio::detached);
}

// The timers go with the loop, not with whoever holds this longest.
void HealthChecks::stop() {
    stopped_ = true;
    timers_.clear();
}

awaitable<void> HealthChecks::watch(std::shared_ptr<HealthChecks> self, std::size_t endpoint) {
    unsigned failures = 0;
    while (!self->stopped_) {
        co_await self->look(endpoint, failures);
        if (self->stopped_) break;
        // Instances do not come in step.
        const auto tenth = static_cast<std::uint64_t>((self->interval_ / 10).count());
        const auto early = Duration{static_cast<Duration::rep>(runtime::random_bits() % (tenth + 1))};
        auto& timer = self->timers_[endpoint];
        timer.expires_after(self->interval_ - early);
        boost::system::error_code cancelled;
        co_await timer.async_wait(boost::asio::redirect_error(use_awaitable, cancelled));
    }
}

awaitable<void> HealthChecks::look(std::size_t endpoint, unsigned& failures) {
    const auto service = service_.lock();
    if (!service) co_return;
    auto& one = *service->endpoints_[endpoint];
    const bool well = co_await check(service, endpoint);
    failures = well ? 0 : failures + 1;
    const bool ill = failures >= failures_of_an_ill_one || (one.ill && !well);
    if (stopped_ || one.ill.exchange(ill) == ill) co_return;
    log::write(ill ? log::Level::warning : log::Level::info, ill ? "endpoint_ill" : "endpoint_well",
               {{"upstream", service->settings_.name}, {"endpoint", one.authority}});
    if (!ill) service->breaker_.probe_now(Clock::now());
}

awaitable<bool> HealthChecks::check(std::shared_ptr<Service> service, std::size_t endpoint) {
    auto& one = *service->endpoints_[endpoint];
    if (one.addresses.empty()) co_return true;  // not ill, but out anyway
    UpstreamRequest request;
    request.target = service->settings_.health->path;
    const Attempt attempt{.endpoint = one,
                          .index = endpoint,
                          .pool = service->pool_here(),
                          .tls = service->tls_of(one),
                          .settings = service->settings_,
                          .rules = service->rules_,
                          .request = request,
                          .max_body = max_body,
                          .deadline = Deadline::after(Clock::now(), interval_)};
    auto answer = co_await attempt.run();
    if (!answer && answer.error().stale) co_return true;  // closed while the check was on its way: ask again next time
    co_return answer && answer->head.status < 400;
}

}  // namespace sluice::upstream

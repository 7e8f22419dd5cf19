// One HTTP service: which endpoint gets a request, whether it is tried again, and when the service is left alone. Hides
// connections, loops, names and breakers; it is what the port's calls end up in.
#pragma once

#include "policy/circuit_breaker.hpp"
#include "policy/ejection.hpp"
#include "policy/retry_budget.hpp"
#include "runtime/event_loops.hpp"
#include "sluice/ports/upstream.hpp"
#include "sluice/upstream_settings.hpp"
#include "telemetry/breaker_metrics.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/throttle.hpp"
#include "upstream/attempt.hpp"
#include "upstream/endpoint.hpp"
#include "upstream/loop_pool.hpp"
#include "upstream/name_lookup.hpp"
#include "upstream/service_metrics.hpp"
#include "upstream/tls.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::upstream {

class HealthChecks;

/// Made with std::make_shared.
///
/// The breaker of the service counts requests, not tries: one that another endpoint answers is well. A failure counts for
/// the service only while no other endpoint works; one endpoint that fails among others is ejected, and the service goes on.
/// A 500 says nothing of the service, so it counts for the route alone.
class Service : public std::enable_shared_from_this<Service> {
public:
    /// Throws std::runtime_error if a file of `tls` is of no use. Loops and metrics outlive the calls.
    Service(UpstreamSettings settings, runtime::EventLoops& loops, telemetry::Metrics& metrics);
    ~Service();
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    /// Begins to look names up, and to check health. Before or after the loops were started.
    void start();
    /// Until names were looked up once, so that the first requests have addresses.
    void wait_for_names(Deadline deadline) const { names_.wait_for_first(deadline); }
    /// While the loops run, and not from one. What is under way is cut. For good.
    void stop();

    /// As the port says.
    std::shared_ptr<Upstream> route(std::string_view name);

    const std::string& name() const noexcept { return settings_.name; }
    /// `ok`, or what is wrong, in a few words for people.
    std::string state(TimePoint now) const;
    void refresh_metrics(TimePoint now) const;

private:
    friend class HealthChecks;
    class Route;
    class Call;
    template <class T>
    using Result = Upstream::Result<T>;

    awaitable<Result<UpstreamAnswer>> fetch(std::shared_ptr<Route> route, UpstreamRequest request, std::size_t max_body,
                                            Deadline deadline);
    awaitable<Result<void>> pass(std::shared_ptr<Route> route, UpstreamRequest request, UpstreamBodySource* source,
                                 UpstreamAnswerSink& sink, Deadline head_by);
    std::optional<std::size_t> choose(const std::vector<bool>& tried, TimePoint now) const;
    const std::shared_ptr<LoopPool>& pool_here() const;
    const TlsContext* tls_of(const Endpoint& endpoint) const noexcept;
    void count(std::size_t endpoint, bool failed, TimePoint now);
    bool another_is_well(std::size_t endpoint) const;
    void note_problem(std::string text);
    std::string why_open() const;
    void log_failure(std::string_view route, const Endpoint& endpoint, const AttemptFailure& failure, bool again);

    const UpstreamSettings settings_;
    const FieldRules rules_;
    runtime::EventLoops& loops_;
    telemetry::Metrics& metrics_;
    const ServiceMetrics service_metrics_;
    const telemetry::BreakerMetrics breaker_metrics_;
    std::unique_ptr<const TlsContext> tls_;  // if an endpoint has https
    std::vector<std::unique_ptr<Endpoint>> endpoints_;
    policy::CircuitBreaker breaker_;
    policy::Ejection ejection_;
    policy::RetryBudget budget_;
    log::Throttle failures_log_;
    mutable std::mutex mutex_;  // guards what follows
    std::map<std::string, std::weak_ptr<Route>, std::less<>> routes_;
    std::string problem_;                           // what failed last
    std::vector<std::shared_ptr<LoopPool>> pools_;  // by loop, the background loop's last
    NameLookup names_;
    std::shared_ptr<HealthChecks> checks_;  // null: there are none
};

}  // namespace sluice::upstream

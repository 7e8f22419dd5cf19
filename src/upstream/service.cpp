#include "upstream/service.hpp"

#include "policy/endpoint_choice.hpp"
#include "runtime/on_loops.hpp"
#include "runtime/random_bits.hpp"
#include "telemetry/log.hpp"
#include "upstream/health_checks.hpp"
#include "upstream/service_call.hpp"
#include "upstream/service_route.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace sluice::upstream {
namespace {

using State = policy::CircuitBreaker::State;

std::vector<std::unique_ptr<Endpoint>> endpoints_of(const UpstreamSettings& settings) {
    std::vector<std::unique_ptr<Endpoint>> all;
    for (const auto& one : settings.endpoints) {
        auto url = parse_url(one.url);
        if (!url) throw std::invalid_argument{"the URL of an endpoint of '" + settings.name + "' " + url.error()};
        all.push_back(std::make_unique<Endpoint>(std::move(*url), one.weight));
    }
    return all;
}

std::vector<NameLookup::Name> names_of(const std::vector<std::unique_ptr<Endpoint>>& endpoints) {
    std::vector<NameLookup::Name> names;
    names.reserve(endpoints.size());
    for (const auto& one : endpoints) names.push_back({one->url.host, one->url.port});
    return names;
}

}  // namespace

policy::CircuitBreaker::Settings breaker_settings(const UpstreamSettings::Breaker& configured) {
    policy::CircuitBreaker::Settings settings;
    settings.failures = configured.failures;
    settings.reset = configured.reset;
    settings.probes = configured.probes;
    settings.longest_reset = 8;
    settings.random = runtime::random_bits;
    if (!configured.rate) return settings;
    const auto& rate = *configured.rate;
    settings.rate = policy::FailureRate::Settings{.failed_percent = rate.failed,
                                                  .calls = rate.calls,
                                                  .window = rate.window,
                                                  .slow = rate.slow ? Duration{*rate.slow} : Duration::max(),
                                                  .slow_percent = rate.slow_rate};
    return settings;
}

Service::Service(UpstreamSettings settings, runtime::EventLoops& loops, telemetry::Metrics& metrics)
    : settings_{std::move(settings)},
      rules_{settings_},
      loops_{loops},
      metrics_{metrics},
      service_metrics_{metrics, settings_.name},
      breaker_metrics_{metrics, "upstream:" + settings_.name},
      endpoints_{endpoints_of(settings_)},
      breaker_{breaker_settings(settings_.breaker),
               [this](State to) {
                   breaker_metrics_.tell(to, to == State::open ? why_open() : std::string{});
                   breaker_metrics_.show(breaker_.state(Clock::now()));
               }},
      ejection_{endpoints_.size()},
      budget_{settings_.retries.budget},
      names_{names_of(endpoints_), settings_.resolve,
             NameLookup::Events{
                 [this](std::size_t i, AddressBook::Addresses found) { endpoints_[i]->addresses.replace(std::move(found)); },
                 [this](std::size_t i, const std::string& problem) {
                     log::warning("name_not_resolved",
                                  {{"upstream", settings_.name}, {"host", endpoints_[i]->url.host}, {"reason", problem}});
                 }}} {
    const auto is_secure = [](const auto& endpoint) { return endpoint->url.tls; };
    if (std::any_of(endpoints_.begin(), endpoints_.end(), is_secure)) tls_ = std::make_unique<TlsContext>(settings_.tls);
    LoopPool::Settings pool;
    // Loops share nothing, so each has its part of the connections.
    const auto loop_count = static_cast<unsigned>(loops.size());
    pool.connections = std::max(1u, (settings_.connections + loop_count - 1) / loop_count);
    pool.idle = settings_.timeouts.idle;
    std::vector<AddressBook*> books;
    for (const auto& one : endpoints_) books.push_back(&one->addresses);
    for (std::size_t i = 0; i < loops.size(); ++i)
        pools_.push_back(std::make_shared<LoopPool>(loops.serving(i).executor(), pool, books));
    pools_.push_back(std::make_shared<LoopPool>(loops.background().executor(), pool, books));
}

Service::~Service() { names_.stop(); }

void Service::start() {
    names_.start();
    if (!settings_.health) return;
    checks_ = std::make_shared<HealthChecks>(shared_from_this(), loops_.background().executor());
    checks_->start();
}

void Service::stop() {
    names_.stop();
    std::vector<runtime::LoopTask> tasks;
    for (std::size_t i = 0; i < pools_.size(); ++i) {
        auto& loop = i < loops_.size() ? loops_.serving(i) : loops_.background();
        tasks.push_back({loop.executor(), [pool = pools_[i]] { pool->stop(); }});
    }
    if (checks_) tasks.push_back({loops_.background().executor(), [checks = checks_] { checks->stop(); }});
    runtime::run_on_loops(std::move(tasks));
}

std::shared_ptr<Upstream> Service::route(std::string_view name) {
    const std::lock_guard lock{mutex_};
    const auto found = routes_.find(name);
    if (found != routes_.end()) {
        if (auto known = found->second.lock()) return known;
    }
    auto made = std::make_shared<Route>(shared_from_this(), std::string{name});
    routes_.insert_or_assign(std::string{name}, made);
    return made;
}

awaitable<Service::Result<UpstreamAnswer>> Service::fetch(std::shared_ptr<Route> route, UpstreamRequest request,
                                                          std::size_t max_body, Deadline deadline) {
    Call call{shared_from_this(), std::move(route), std::move(request), max_body, deadline};
    co_return co_await call.run();
}

awaitable<Service::Result<void>> Service::pass(std::shared_ptr<Route> route, UpstreamRequest request,
                                               UpstreamBodySource* source, UpstreamAnswerSink& sink, Deadline head_by) {
    Streams streams{source, sink};
    Call call{shared_from_this(), std::move(route), std::move(request), 0, head_by, &streams};
    auto result = co_await call.run();
    if (!result) co_return std::move(result).error();
    co_return Result<void>{};
}

const std::shared_ptr<LoopPool>& Service::pool_here() const {
    const auto here = runtime::EventLoops::current();
    return here < loops_.size() ? pools_[here] : pools_.back();
}

const TlsContext* Service::tls_of(const Endpoint& endpoint) const noexcept {
    return endpoint.url.tls ? tls_.get() : nullptr;
}

std::optional<std::size_t> Service::choose(const std::vector<bool>& tried, TimePoint now) const {
    std::vector<policy::EndpointCandidate> candidates;
    candidates.reserve(endpoints_.size());
    for (std::size_t i = 0; i < endpoints_.size(); ++i) {
        const auto& one = *endpoints_[i];
        policy::EndpointCandidate candidate;
        candidate.weight = one.weight;
        candidate.outstanding = one.outstanding.load(std::memory_order_relaxed);
        candidate.reachable = !one.addresses.empty();
        candidate.usable = !one.ill.load(std::memory_order_relaxed) && !ejection_.ejected(i, now);
        candidate.tried = !tried.empty() && tried[i];
        candidates.push_back(candidate);
    }
    return policy::choose_endpoint(candidates, runtime::random_bits());
}

void Service::count(std::size_t endpoint, bool failed, TimePoint now) {
    endpoints_[endpoint]->well.store(!failed, std::memory_order_relaxed);
    if (!ejection_.count(endpoint, failed, now)) return;
    log::warning("endpoint_ejected", {{"upstream", settings_.name}, {"endpoint", endpoints_[endpoint]->authority}});
}

bool Service::another_is_well(std::size_t endpoint) const {
    for (std::size_t i = 0; i < endpoints_.size(); ++i) {
        const auto& one = *endpoints_[i];
        if (i != endpoint && one.well.load(std::memory_order_relaxed) && !one.ill.load(std::memory_order_relaxed))
            return true;
    }
    return false;
}

void Service::note_problem(std::string text) {
    const std::lock_guard lock{mutex_};
    problem_ = std::move(text);
}

std::string Service::why_open() const {
    std::string text{to_string(breaker_.reason())};
    const std::lock_guard lock{mutex_};
    return problem_.empty() ? text : text + "; the last: " + problem_;
}

void Service::log_failure(std::string_view route, const Endpoint& endpoint, const AttemptFailure& failure, bool again) {
    const auto left_out = failures_log_.pass(Clock::now());
    if (!left_out) return;
    log::warning("upstream_failed", {{"upstream", settings_.name},
                                     {"route", route},
                                     {"endpoint", endpoint.authority},
                                     {"kind", to_string(failure.kind)},
                                     {"reason", failure.reason},
                                     {"tried_again", again},
                                     {"left_out", *left_out}});
}

std::string Service::state(TimePoint now) const {
    if (breaker_.state(now) == State::open) return "breaker open: " + why_open();
    const auto lacks = [](const auto& endpoint) { return endpoint->addresses.empty(); };
    if (std::all_of(endpoints_.begin(), endpoints_.end(), lacks)) return "no address";
    std::size_t out = 0;
    for (std::size_t i = 0; i < endpoints_.size(); ++i)
        out += endpoints_[i]->ill.load(std::memory_order_relaxed) || ejection_.ejected(i, now);
    if (out == 0) return "ok";
    return std::to_string(out) + " of " + std::to_string(endpoints_.size()) + " endpoints out";
}

void Service::refresh_metrics(TimePoint now) const {
    std::size_t idle = 0;
    std::size_t open = 0;
    for (const auto& pool : pools_) {
        idle += pool->idle();
        open += pool->open();
    }
    service_metrics_.show_connections(idle, open > idle ? open - idle : 0);
    std::size_t usable = 0;
    std::size_t ejected = 0;
    std::size_t ill = 0;
    std::size_t unresolved = 0;
    for (std::size_t i = 0; i < endpoints_.size(); ++i) {
        if (endpoints_[i]->addresses.empty())
            ++unresolved;
        else if (endpoints_[i]->ill.load(std::memory_order_relaxed))
            ++ill;
        else if (ejection_.ejected(i, now))
            ++ejected;
        else
            ++usable;
    }
    service_metrics_.show_endpoints(usable, ejected, ill, unresolved);
    breaker_metrics_.show(breaker_.state(now));
}

}  // namespace sluice::upstream

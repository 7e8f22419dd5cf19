#include "upstream/service_call.hpp"

#include "telemetry/log.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>

namespace sluice::upstream {
namespace {

using Kind = UpstreamError::Kind;

constexpr std::size_t largest_repeated = 64 * 1024;  // bytes of a body that is sent again
/// Who gave less time than that, and than the service may take, learnt nothing about the service.
constexpr Duration worth_the_name = std::chrono::milliseconds{100};

double seconds_since(TimePoint began) { return std::chrono::duration<double>(Clock::now() - began).count(); }

/// Whether such an end says that the endpoint does not do its work.
bool is_failure(Kind kind) {
    switch (kind) {
        case Kind::refused:
        case Kind::untrusted:
        case Kind::reset:
        case Kind::timed_out:
        case Kind::cut_off:
        case Kind::not_http:
            return true;
        case Kind::unavailable:
        case Kind::overloaded:
        case Kind::body_too_large:
        case Kind::invalid:
            return false;
    }
    return false;
}

bool is_gateway_failure(unsigned status) { return status >= 502 && status <= 504; }

}  // namespace

Service::Call::Call(std::shared_ptr<Service> service, std::shared_ptr<Route> route, UpstreamRequest request,
                    std::size_t max_body, Deadline deadline, Streams* streams)
    : service_{std::move(service)},
      route_{std::move(route)},
      request_{std::move(request)},
      max_body_{max_body},
      deadline_{deadline},
      streams_{streams},
      began_{Clock::now()} {}

Service::Call::~Call() {
    if (ended_) return;
    abandon();
    service_->service_metrics_.count(ServiceMetrics::Result::cancelled, 0);
}

void Service::Call::abandon() noexcept {
    if (permit_) permit_->abandon();
    if (route_permit_) route_permit_->abandon();
}

std::optional<UpstreamError> Service::Call::take_permits() {
    route_permit_ = route_->breaker().try_acquire(began_);
    if (!route_permit_) {
        return UpstreamError{Kind::unavailable, "the route's breaker is open", route_->breaker().retry_after(began_), true};
    }
    permit_ = service_->breaker_.try_acquire(began_);
    if (permit_) return std::nullopt;
    route_permit_->abandon();
    return UpstreamError{Kind::unavailable, "the breaker is open", service_->breaker_.retry_after(began_)};
}

awaitable<Service::Result<UpstreamAnswer>> Service::Call::run() {
    if (auto refused = take_permits()) {
        ended_ = true;
        service_->service_metrics_.count(Kind::unavailable, 0);
        co_return std::move(*refused);
    }
    service_->budget_.request();
    auto result = co_await try_all();
    ended_ = true;
    if (result) {
        settle(*result);
        const bool well = result->head.status < 500;
        service_->service_metrics_.count(well ? ServiceMetrics::Result::ok : ServiceMetrics::Result::server_error,
                                         seconds_since(began_));
        co_return std::move(*result);
    }
    const auto failed = std::move(result).error();
    settle(failed);
    service_->service_metrics_.count(failed.failure.kind, seconds_since(began_));
    co_return UpstreamError{failed.failure.kind, failed.failure.reason};
}

awaitable<boost::system::result<UpstreamAnswer, Service::Call::Failed>> Service::Call::try_all() {
    std::vector<bool> tried;
    std::optional<Failed> last;
    bool stale = false;
    for (;;) {
        const auto now = Clock::now();
        if (deadline_.passed(now)) co_return Failed{{Kind::timed_out, "no time left"}, std::nullopt, true};
        const auto endpoint = stale ? last->endpoint : service_->choose(tried, now);
        if (!endpoint) {
            if (last) co_return std::move(*last);
            co_return Failed{{Kind::unavailable, "no endpoint has an address"}, std::nullopt};
        }
        const auto attempt = attempt_at(*endpoint, stale);
        auto answer = co_await attempt.run();
        if (answer) {
            answered_by_ = *endpoint;
            co_return std::move(*answer);
        }
        // An operation that was cancelled ended like one that failed; but nobody failed, and nobody waits any more.
        const auto state = co_await boost::asio::this_coro::cancellation_state;
        if (state.cancelled() != boost::asio::cancellation_type::none)
            throw boost::system::system_error{boost::asio::error::operation_aborted};
        last.emplace(Failed{std::move(answer).error(), endpoint});
        const auto enough = std::min<Duration>(worth_the_name, service_->settings_.timeouts.response);
        last->our_impatience = last->failure.kind == Kind::timed_out && deadline_.remaining(now) < enough;
        // Nobody's fault: the service closed the connection while the request was on its way (RFC 9112 section 9.3.1).
        // Once; what is fresh is never stale.
        stale = last->failure.stale && may_repeat(last->failure) && !deadline_.passed(Clock::now());
        if (stale) continue;
        if (is_failure(last->failure.kind) && !last->our_impatience) service_->count(*endpoint, true, Clock::now());
        const bool again = may_try_another(*last, tried);
        if (is_failure(last->failure.kind) || last->failure.kind == Kind::body_too_large)
            service_->log_failure(route_->name(), *service_->endpoints_[*endpoint], last->failure, again);
        if (!again) co_return std::move(*last);
    }
}

Attempt Service::Call::attempt_at(std::size_t endpoint, bool fresh) const {
    auto& one = *service_->endpoints_[endpoint];
    return {.endpoint = one,
            .index = endpoint,
            .pool = service_->pool_here(),
            .tls = service_->tls_of(one),
            .settings = service_->settings_,
            .rules = service_->rules_,
            .request = request_,
            .max_body = max_body_,
            .deadline = deadline_,
            .fresh = fresh,
            .streams = streams_};
}

/// Whether the service may see the request once more.
bool Service::Call::may_repeat(const AttemptFailure& failure) const {
    if (!failure.sent) return true;
    if (failure.answer_began || (streams_ != nullptr && streams_->source_asked)) return false;
    const bool harmless = is_idempotent(request_.method) || (request_.keyed && service_->settings_.retries.keyed);
    return harmless && (!request_.body || request_.body->size() <= largest_repeated);
}

bool Service::Call::may_try_another(const Failed& failed, std::vector<bool>& tried) {
    const auto& failure = failed.failure;
    if (!is_failure(failure.kind) || failure.answer_began || !may_repeat(failure)) return false;
    if (retries_ >= service_->settings_.retries.attempts || deadline_.passed(Clock::now())) return false;
    tried.resize(service_->endpoints_.size());
    tried[*failed.endpoint] = true;
    if (!service_->choose(tried, Clock::now())) return false;
    // A try that never reached the service has cost it nothing.
    if (failure.sent && !service_->budget_.try_retry()) return false;
    ++retries_;
    return true;
}

void Service::Call::settle(const UpstreamAnswer& answer) {
    const auto now = Clock::now();
    const auto status = answer.head.status;
    const bool failed = is_gateway_failure(status);
    service_->count(answered_by_, failed, now);
    if (!failed) {
        permit_->succeed(now);
    } else if (service_->another_is_well(answered_by_)) {
        permit_->abandon();
    } else {
        service_->note_problem("status " + std::to_string(status));
        permit_->fail(now);
    }
    if (status == 500)
        route_permit_->fail(now);
    else if (failed)
        route_permit_->abandon();
    else
        route_permit_->succeed(now);
}

void Service::Call::settle(const Failed& failed) {
    route_permit_->abandon();
    const bool counts = is_failure(failed.failure.kind) && !failed.our_impatience;
    if (failed.failure.kind == Kind::body_too_large) return permit_->succeed(Clock::now());
    if (!counts || service_->another_is_well(*failed.endpoint)) return permit_->abandon();
    service_->note_problem(std::string{to_string(failed.failure.kind)} + " (" + failed.failure.reason + ")");
    permit_->fail(Clock::now());
}

}  // namespace sluice::upstream

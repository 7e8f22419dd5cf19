// One request to a service from its permission to its answer: its tries, and what breakers and ejection learn of it.
#pragma once

#include "upstream/service.hpp"
#include "upstream/service_route.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::upstream {

/// Dropped before its end, it was cancelled, which says nothing of the service.
class Service::Call {
public:
    Call(std::shared_ptr<Service> service, std::shared_ptr<Route> route, UpstreamRequest request, std::size_t max_body,
         Deadline deadline, Streams* streams = nullptr);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    awaitable<Result<UpstreamAnswer>> run();

private:
    /// A failed try, and what is known of it.
    struct Failed {
        AttemptFailure failure;
        std::optional<std::size_t> endpoint;  // nothing: there was none
        bool our_impatience = false;          // it had no time worth the name
    };

    std::optional<UpstreamError> take_permits();
    awaitable<boost::system::result<UpstreamAnswer, Failed>> try_all();
    Attempt attempt_at(std::size_t endpoint, bool fresh) const;
    bool may_repeat(const AttemptFailure& failure) const;
    bool may_try_another(const Failed& failed, std::vector<bool>& tried);

    void settle(const UpstreamAnswer& answer);
    void settle(const Failed& failed);
    void abandon() noexcept;

    const std::shared_ptr<Service> service_;  // before the permits, whose breaker it has
    const std::shared_ptr<Route> route_;
    const UpstreamRequest request_;
    const std::size_t max_body_;
    const Deadline deadline_;
    Streams* const streams_;  // null: the answer is held whole
    const TimePoint began_;
    std::optional<policy::CircuitBreaker::Permit> route_permit_;
    std::optional<policy::CircuitBreaker::Permit> permit_;
    std::size_t answered_by_ = 0;
    unsigned retries_ = 0;
    bool ended_ = false;
};

}  // namespace sluice::upstream

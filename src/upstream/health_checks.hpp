// Asks a service's endpoints how they are, on the background loop: one that does not answer well gets no requests.
#pragma once

#include "runtime/timer_sweep.hpp"
#include "sluice/executor.hpp"

#include <cstddef>
#include <memory>
#include <vector>

namespace sluice::upstream {

class Service;

/// Made with std::make_shared. Two checks in a row that fail make an endpoint ill, one that does not makes it well again. A
/// status below 400 is well.
class HealthChecks : public std::enable_shared_from_this<HealthChecks> {
public:
    /// Keeps the service only while it checks.
    HealthChecks(const std::shared_ptr<Service>& service, Executor executor);

    void start();
    /// On its loop.
    void stop();

private:
    static awaitable<void> watch(std::shared_ptr<HealthChecks> self, std::size_t endpoint);
    /// Once. `failures`: in a row.
    awaitable<void> look(std::size_t endpoint, unsigned& failures);
    awaitable<bool> check(std::shared_ptr<Service> service, std::size_t endpoint);

    const std::weak_ptr<Service> service_;
    const Executor executor_;
    const Duration interval_;
    std::vector<runtime::Timer> timers_;  // by endpoint
    bool stopped_ = false;
};

}  // namespace sluice::upstream

// What one configuration serves: its routes, the steps before them, and what those are made of. It never changes: another
// configuration is another one beside it. Hides how it is built.
#pragma once

#include "app/configuration.hpp"
#include "app/dependencies.hpp"
#include "app/request_steps.hpp"
#include "auth/key_codec.hpp"
#include "endpoints/consistency.hpp"
#include "endpoints/sql_endpoint.hpp"
#include "http/site.hpp"
#include "middleware/limited_clients.hpp"
#include "middleware/refused_heads.hpp"
#include "runtime/blocking_lane.hpp"
#include "runtime/memory_budget.hpp"
#include "sluice/handler.hpp"
#include "sluice/middleware.hpp"
#include "sluice/settings.hpp"
#include "telemetry/metrics.hpp"

#include <cstddef>
#include <memory>
#include <vector>

namespace sluice::app {

class Serving {
public:
    /// What stays while configurations come and go. All outlive it.
    struct Parts {
        Dependencies& dependencies;
        Database* database;  ///< null: there is none
        telemetry::Metrics& metrics;
        runtime::MemoryBudget& memory;     ///< of bodies and answers in flight
        runtime::BlockingLane& body_lane;  ///< reads large bodies
    };
    /// What the embedding program adds, the same to every configuration.
    struct Own {
        std::vector<Route> routes;
        std::vector<std::shared_ptr<Middleware>> steps;
    };

    /// Throws ConfigurationError for routes that conflict with others, or have nothing to stand on.
    Serving(std::shared_ptr<Configuration> configuration, const Own& own, Parts parts);
    Serving(const Serving&) = delete;
    Serving& operator=(const Serving&) = delete;

    /// As many routes as are configured, the embedding program's among them.
    std::size_t route_count() const noexcept { return site_.pipeline.router().configured(); }
    /// For a listener: who holds it holds the whole.
    static std::shared_ptr<const http::Site> site(const std::shared_ptr<const Serving>& serving) {
        return {serving, &serving->site_};
    }

private:
    http::Site make_site(const Own& own, Parts parts) const;
    std::vector<Route> routes(const Own& own, Parts parts) const;
    std::shared_ptr<endpoints::SqlEndpoint> sql_endpoint(const RouteSettings& configured, Parts parts) const;
    EagerHandler other_endpoint(const RouteSettings& configured, Parts parts) const;
    StepParts step_parts(Parts parts) const;

    // In the order of their lifetimes: what comes later uses what comes before.
    const std::shared_ptr<const Configuration> configuration_;
    const Settings& settings_ = configuration_->settings;
    const auth::KeyCodec codec_;
    const middleware::LimitedClients limited_clients_;
    const std::unique_ptr<const endpoints::Consistency> consistency_;  // null: off
    const middleware::RefusedHeads refused_heads_;
    const http::Site site_;
};

}  // namespace sluice::app

// The steps of every request to the public API: one list, in order, with the reason for each place.
#pragma once

#include "auth/key_codec.hpp"
#include "auth/key_exceptions.hpp"
#include "memory/usage_counter.hpp"
#include "middleware/auth.hpp"
#include "middleware/limited_clients.hpp"
#include "middleware/rate_limit.hpp"
#include "sluice/middleware.hpp"
#include "sluice/settings.hpp"
#include "telemetry/metrics.hpp"

#include <memory>
#include <vector>

namespace sluice::app {

/// What the steps work with. All but the values outlive them.
struct StepParts {
    const Settings& settings;
    telemetry::Metrics& metrics;
    const auth::KeyCodec& codec;
    const auth::KeyExceptions& exceptions;
    const middleware::LimitedClients& clients;
    std::vector<middleware::Auth::Tokens> issuers;  ///< whose tokens are accepted
    middleware::RateLimitStep::Stores limits;
    memory::UsageCounter* usage = nullptr;  ///< null: what keys use is not counted
};

/// `routes`: those of the router that the steps will stand before; they outlive the steps. `own`: the embedder's.
std::vector<std::shared_ptr<Middleware>> request_steps(StepParts parts, const std::vector<Route>& routes,
                                                       std::vector<std::shared_ptr<Middleware>> own);

}  // namespace sluice::app

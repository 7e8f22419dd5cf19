// What answers in place of a route's source while that fails: statements, services and constants, tried in order.
#pragma once

#include "cache/load.hpp"
#include "endpoints/filled_text.hpp"
#include "endpoints/in_flight.hpp"
#include "endpoints/request_values.hpp"
#include "endpoints/sql_source.hpp"
#include "endpoints/upstream_source.hpp"
#include "runtime/blocking_lane.hpp"
#include "sluice/exchange.hpp"
#include "sluice/executor.hpp"
#include "sluice/ports/database.hpp"
#include "sluice/ports/upstream.hpp"
#include "sluice/settings.hpp"
#include "telemetry/metrics.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::endpoints {

class Fallbacks {
public:
    using Values = RequestValues::Values;

    struct Parts {
        Database* database = nullptr;            ///< null: no fallback is a statement
        sluice::Upstreams* upstreams = nullptr;  ///< null: none is a call
        std::shared_ptr<const InFlight> in_flight;
        runtime::BlockingLane* lane = nullptr;
        SqlSource::Defaults sql;
        telemetry::Metrics* metrics = nullptr;  ///< null: they are not counted
        std::size_t compress_from = 1024;
    };
    /// `parameters`: how many of the values come from path, query and header. Throws as the sources do.
    Fallbacks(const RouteSettings& route, std::size_t parameters, const Parts& parts);

    bool empty() const noexcept { return steps_.empty(); }

    /// The first that answers. It says that it stands in: `"degraded":true` in the envelope, and in Cache-Status. Nothing:
    /// none does.
    awaitable<std::optional<Response>> answer(Exchange& exchange, Values values) const;

private:
    struct Step {
        std::function<awaitable<cache::LoadResult>(const Exchange& exchange, Values values)> load;
        telemetry::Counter used;
    };
    Step step_of(const Fallback& fallback, const RouteSettings& route, std::size_t parameters, const Parts& parts) const;
    awaitable<Response> response_of(const Exchange& exchange, cache::Loaded loaded) const;

    const bool envelope_;
    const std::size_t compress_from_;
    std::vector<Step> steps_;
};

}  // namespace sluice::endpoints

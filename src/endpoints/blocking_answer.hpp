// An answer that takes blocking work, such as a call to the primary: made on a lane while the loop goes on.
#pragma once

#include "runtime/blocking_lane.hpp"
#include "sluice/exchange.hpp"
#include "sluice/executor.hpp"
#include "sluice/response.hpp"

#include <functional>

namespace sluice::endpoints {

/// Runs `job` on the lane and gives its answer. The job owns all it uses: the exchange may be gone before it runs, and it is
/// carried out even so. A ProblemError it throws is its answer; a server that cannot be reached, or has no schema `sluice`,
/// is 503, as is a full lane; anything else is logged and 500. Past the exchange's deadline: 504.
awaitable<Response> blocking_answer(runtime::BlockingLane& lane, Exchange& exchange, std::function<Response()> job);

}  // namespace sluice::endpoints

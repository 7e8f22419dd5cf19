// An answer that takes blocking work, such as a call to the primary: made on a lane while the loop goes on.
#pragma once

#include "runtime/blocking_lane.hpp"
#include "sluice/exchange.hpp"
#include "sluice/executor.hpp"
#include "sluice/response.hpp"

#include <exception>
#include <functional>
#include <string_view>

namespace sluice::admin {

/// Runs `job` on the lane and gives its answer. The job owns all it uses: the exchange may be gone before it runs, and it is
/// carried out even so. What it throws becomes `answer_to_failure`; a full lane is 503, past the exchange's deadline 504.
awaitable<Response> blocking_answer(runtime::BlockingLane& lane, Exchange& exchange, std::function<Response()> job);

/// A ProblemError is its own answer; a server that cannot be reached, or has no schema `sluice`, is 503; anything else is
/// logged and 500.
Response answer_to_failure(const std::exception_ptr& error, std::string_view request_id);

}  // namespace sluice::admin

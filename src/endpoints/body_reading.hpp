// Reads a request's JSON body without holding its loop up: a small one at once, any other on a lane of worker threads.
#pragma once

#include "endpoints/json_body.hpp"
#include "runtime/blocking_lane.hpp"
#include "sluice/exchange.hpp"
#include "sluice/executor.hpp"

#include <memory>
#include <string_view>

namespace sluice::endpoints {

/// As `JsonBody::read`. A lane that is full is 503 with `Retry-After`; past the exchange's deadline it is 504.
awaitable<JsonBody::Read> read_body(std::shared_ptr<const JsonBody> body, runtime::BlockingLane& lane,
                                    const Exchange& exchange, std::string_view bytes);

}  // namespace sluice::endpoints

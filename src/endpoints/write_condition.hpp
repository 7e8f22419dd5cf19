// The preconditions of requests that write: the GET route of the same path shows what they are about, and the database
// judges them in the transaction of the write. Hides how one request is read as the other.
#pragma once

#include "endpoints/parameters.hpp"
#include "endpoints/representation.hpp"
#include "runtime/blocking_lane.hpp"
#include "sluice/exchange.hpp"
#include "sluice/executor.hpp"
#include "sluice/handler.hpp"
#include "sluice/ports/database.hpp"
#include "sluice/problem.hpp"
#include "sluice/settings.hpp"

#include <memory>
#include <variant>
#include <vector>

namespace sluice::endpoints {

/// A GET route, as far as a write of its path is concerned.
struct ShownState {
    const std::vector<StatementId>& statements;  ///< one for each order of its pages
    std::size_t parameter_count = 0;             ///< of the statement
    const Parameters& parameters;
    const Representation& representation;
    const RouteOptions& options;
};

/// RFC 9110 section 13.1.
Problem precondition_failed();

/// What must hold when the request's write runs: null if it says nothing, or if what it says holds whatever is stored. Or
/// why it is refused at once. `shown`: null if no GET route has the path; must outlive the call. `lane`: as for
/// `bind_parameters`.
awaitable<std::variant<std::shared_ptr<const Condition>, Problem>> write_condition(const Exchange& exchange,
                                                                                   PreconditionMode mode,
                                                                                   const ShownState* shown,
                                                                                   runtime::BlockingLane* lane);

}  // namespace sluice::endpoints

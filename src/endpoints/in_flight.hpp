// The memory that a route's requests take while they are in flight: their bodies before they are read, their answers from
// the fetch until they are sent. Hides what is expected of an answer that is not there yet.
#pragma once

#include "cache/cached_value.hpp"
#include "policy/expected_size.hpp"
#include "runtime/memory_budget.hpp"
#include "sluice/ports/database.hpp"
#include "sluice/problem.hpp"
#include "sluice/request.hpp"
#include "sluice/response.hpp"
#include "telemetry/metrics.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <variant>

namespace sluice::endpoints {

class InFlight {
public:
    using Share = runtime::MemoryBudget::Share;
    using Held = std::shared_ptr<const Share>;  ///< null: too little to be counted

    /// `budget`: null: nothing is counted.
    InFlight(runtime::MemoryBudget* budget, telemetry::Metrics* metrics);

    /// Room for the request's body, or why it is refused. A body is held twice: as it came and as it is bound.
    std::variant<Held, Problem> body(const Request& request, std::size_t limit) const;

    /// Room for an answer as large as the last ones, before it is fetched.
    boost::system::result<Held, DatabaseError> before_fetch() const;
    /// It is so large. In place of what was held for it; the error: there is no room, it has to go.
    boost::system::result<Held, DatabaseError> fetched(Held held, std::size_t bytes) const;

    /// Keeps the share until the answer's body is sent.
    static void hold(Response& response, Held held);
    /// An answer that shares a value's bytes: of all that send them one holds them.
    void hold(Response& response, const cache::ValuePointer& value) const;

private:
    Held share(std::optional<Share> share) const;

    runtime::MemoryBudget* const budget_;
    mutable policy::ExpectedSize expected_;
    telemetry::Counter bodies_refused_, answers_refused_;
};

}  // namespace sluice::endpoints

// Answers from an HTTP service: for a request's values the call that the route declares, and what is picked out of its JSON.
// Lives as long as whatever loads from it.
#pragma once

#include "cache/load.hpp"
#include "endpoints/filled_text.hpp"
#include "endpoints/in_flight.hpp"
#include "json/pointer.hpp"
#include "runtime/blocking_lane.hpp"
#include "sluice/exchange.hpp"
#include "sluice/executor.hpp"
#include "sluice/ports/upstream.hpp"
#include "sluice/problem.hpp"
#include "sluice/settings.hpp"
#include "telemetry/throttle.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace sluice::endpoints {

class UpstreamSource : public std::enable_shared_from_this<UpstreamSource> {
public:
    struct Parts {
        std::shared_ptr<Upstream> service;  ///< not null
        std::shared_ptr<const InFlight> in_flight;
        runtime::BlockingLane* lane = nullptr;  ///< looks at large answers; null: they are looked at on the loop
        std::size_t max_answer = 8 * 1024 * 1024;
    };
    /// `names`: of the values, in their order. Throws std::invalid_argument for a call that names what is no value.
    UpstreamSource(const RouteSettings& route, const UpstreamCall& call, std::span<const NamedValue> names, Parts parts);

    /// The request that these values make. Or what is wrong with them (400): a path needs all of its values, none makes a
    /// segment `.` or `..`, and no field holds a line break.
    std::variant<UpstreamRequest, Problem> request(const Exchange& exchange, ValueList values) const;

    /// Its answer, in the route's envelope. A 404 or 410 is nothing found; any other status but success is a failure.
    awaitable<cache::LoadResult> load(UpstreamRequest request, Executor executor, Deadline deadline) const;

    /// The status of its answers, and whether their JSON stands in `{"data":…}`.
    unsigned status() const noexcept { return status_; }
    bool envelope() const noexcept { return envelope_; }

    /// Changes with all that makes its answers differ.
    std::string mark() const;

private:
    struct Field {
        std::string name;
        FilledText value;
    };
    using Picked = std::variant<std::string, cache::Failure>;

    awaitable<Picked> pick(std::string body, Executor executor, Deadline deadline) const;
    std::optional<std::string> picked(std::string_view body) const;
    cache::Failure failure_of(const UpstreamError& error) const;
    cache::Failure failure_of_status(unsigned status) const;
    /// `reason`: for the log; empty: it knows already.
    cache::Failure failure(Problem problem, std::string reason, bool may_stand_in) const;
    void log_failure(const Exchange& exchange, const std::string& reason) const;

    const std::string route_;
    const std::string service_name_;
    const Method method_;
    const bool passes_body_;  // the request's own
    const FilledText path_;
    std::vector<Field> query_;
    std::vector<Field> headers_;
    std::optional<FilledJson> body_;
    std::size_t body_value_;  // of the values: the request's body
    const json::TextPointer pick_;
    const unsigned status_;
    const bool envelope_;
    const bool with_etag_;
    const std::string mark_;
    const Parts parts_;
    mutable log::Throttle log_;
};

}  // namespace sluice::endpoints

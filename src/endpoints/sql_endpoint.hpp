// A route declared in SQL: what is asked checked and bound, the statement run, its JSON answered, through the cache where
// the route says so.
#pragma once

#include "endpoints/cached_answer.hpp"
#include "endpoints/consistency.hpp"
#include "endpoints/fallbacks.hpp"
#include "endpoints/in_flight.hpp"
#include "endpoints/request_values.hpp"
#include "endpoints/route_tags.hpp"
#include "endpoints/sql_source.hpp"
#include "endpoints/tag_spelling.hpp"
#include "endpoints/write_condition.hpp"
#include "runtime/blocking_lane.hpp"
#include "sluice/exchange.hpp"
#include "sluice/ports/database.hpp"
#include "sluice/settings.hpp"

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sluice::endpoints {

class SqlEndpoint final : private CachedSource {
public:
    struct Defaults {
        std::chrono::milliseconds request_timeout{15'000};
        std::chrono::milliseconds statement_timeout{5'000};
        std::size_t body_limit = 1024 * 1024;
        std::size_t compress_from = 1024;            ///< bytes of an answer
        std::vector<std::string> key_secrets;        ///< sign cursors
        runtime::BlockingLane* body_lane = nullptr;  ///< reads large bodies; null only for a route without one
        const TagTypes* tag_types = nullptr;  ///< outlives the endpoint; null: the declared types are all that is known
        const cache::Coherence* coherence = nullptr;  ///< of the cache: what Age counts from; null: each from its load
        std::size_t max_answer = 16 * 1024 * 1024;    ///< bytes of a result's JSON
        runtime::MemoryBudget* memory = nullptr;      ///< of bodies and answers in flight; null: they are not counted
        telemetry::Metrics* metrics = nullptr;        ///< null: none are kept
        sluice::Upstreams* upstreams = nullptr;       ///< of fallbacks
    };

    /// Registers the statement. `path_names`: the template's parameters in its order. `consistency`: null if it is off.
    SqlEndpoint(RouteSettings route, std::vector<std::string> path_names, Database& database, cache::TwoLevelCache& cache,
                const Consistency* consistency, const Defaults& defaults);

    /// Of a route that writes, before the first request: the GET route of its path, which its preconditions are about.
    void show_by(std::shared_ptr<const SqlEndpoint> reader) { reader_ = std::move(reader); }

    /// A fresh copy in the process is answered at once.
    Outcome handle(Exchange& exchange) const;

private:
    using Values = RequestValues::Values;

    /// What a request asks for, found acceptable.
    struct Bound {
        Values values;                     // in the order of the statement's parameters
        std::optional<PagePosition> page;  // of a route with pages
        std::optional<std::string> idempotency_key;
        TagSpelling::Spelled tags;                   // the values as they stand in tags
        std::shared_ptr<const Condition> condition;  // that the request's preconditions make
        InFlight::Held body_held;                    // the memory of its body
    };

    /// Or why it is refused.
    awaitable<std::variant<Bound, Response>> bind(Exchange& exchange) const;
    /// The problem with what the request asks beside the parameters, or with those.
    std::optional<Problem> bind_beside(const Exchange& exchange, Bound& bound, std::vector<InputError> errors) const;
    awaitable<std::optional<Problem>> bind_condition(const Exchange& exchange, Bound& bound) const;
    std::optional<ShownState> shown_by_reader() const;

    awaitable<std::variant<Asked, Response>> ask(Exchange& exchange, const After& after) const override;
    Response given_up(const Exchange& exchange, const cache::Failure& failure) const override;
    awaitable<std::optional<Response>> fall_back(Exchange& exchange) const override;
    void add_to(Response& response, const Exchange& exchange, std::string_view body) const override;

    awaitable<Response> answer(Exchange& exchange, After after) const;
    Query query_of(const Exchange& exchange, Bound& bound, After after) const;
    awaitable<Response> answer_written(const Exchange& exchange, QueryResult result, Values values,
                                       InFlight::Held held) const;
    std::optional<IdempotencyKey> idempotency(const Exchange& exchange, Bound& bound) const;
    awaitable<Response> answer_of(const Exchange& exchange, QueryResult result, const Values& values) const;
    /// Of a read.
    awaitable<Response> failed(Exchange& exchange, DatabaseError error, Values values) const;
    Response failure(const Exchange& exchange, const DatabaseError& error, const Values& values) const;

    const RouteSettings route_;
    Database& database_;
    const Consistency* consistency_;
    const Defaults defaults_;
    const std::shared_ptr<const InFlight> in_flight_;
    const RequestValues requests_;
    const std::shared_ptr<const SqlSource> source_;
    const RouteTags tags_;  // of a cached answer, or those that a write invalidates
    const TagSpelling spelling_;
    const Fallbacks fallbacks_;
    std::optional<CachedAnswer> cached_;
    std::shared_ptr<const SqlEndpoint> reader_;  // null: no GET route has the path
};

}  // namespace sluice::endpoints

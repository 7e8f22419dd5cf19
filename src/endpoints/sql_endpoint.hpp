// A route declared in SQL: input checked and bound, the statement run, its JSON answered, through the cache where the route
// says so.
#pragma once

#include "cache/two_level_cache.hpp"
#include "endpoints/cache_headers.hpp"
#include "endpoints/consistency.hpp"
#include "endpoints/in_flight.hpp"
#include "endpoints/json_body.hpp"
#include "endpoints/parameters.hpp"
#include "endpoints/representation.hpp"
#include "endpoints/route_tags.hpp"
#include "endpoints/tag_spelling.hpp"
#include "endpoints/write_condition.hpp"
#include "runtime/blocking_lane.hpp"
#include "sluice/exchange.hpp"
#include "sluice/ports/database.hpp"
#include "sluice/settings.hpp"
#include "telemetry/throttle.hpp"

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sluice::endpoints {

class SqlEndpoint {
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
    };

    /// Registers the statement. `path_names`: the template's parameters in its order. `consistency`: null if it is off.
    SqlEndpoint(RouteSettings route, std::vector<std::string> path_names, Database& database, cache::TwoLevelCache& cache,
                const Consistency* consistency, Defaults defaults);

    /// Of a route that writes, before the first request: the GET route of its path, which its preconditions are about.
    void show_by(std::shared_ptr<const SqlEndpoint> reader) { reader_ = std::move(reader); }

    /// A fresh copy in the process is answered at once.
    Outcome handle(Exchange& exchange) const;

private:
    using Values = std::vector<std::optional<std::string>>;
    using After = std::optional<HistoryPosition>;

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
    StatementId statement_for(const Values& values) const;
    awaitable<Response> answer(Exchange& exchange, After after) const;
    awaitable<Response> answer_loaded(Exchange& exchange, std::string key, std::string path, After after) const;
    awaitable<Response> answer_and_refresh(Exchange& exchange, std::string key, std::string path,
                                           cache::ValuePointer value) const;
    using Look = cache::Coherence::Look;
    Outcome answer_with(Exchange& exchange, std::string_view key, cache::ValuePointer value, cache::Answer::How how,
                        const Look& look) const;
    awaitable<Response> answer_coded(Exchange& exchange, std::string key, cache::ValuePointer value, Coding coding,
                                     cache::Answer::How how) const;
    Response answer_in(const Exchange& exchange, const cache::ValuePointer& value, const Coding& coding,
                       cache::Answer::How how, const Look& look) const;
    cache::Wanted wanted(std::string key, std::string path, Bound bound, After after) const;
    awaitable<cache::LoadResult> load(Bound bound, After after, bool on_primary, Deadline deadline) const;
    std::optional<IdempotencyKey> idempotency(const Exchange& exchange, Bound& bound) const;
    awaitable<Response> answer_of(const Exchange& exchange, QueryResult result, const Values& values) const;
    awaitable<Response> answer_stale(const Exchange& exchange, cache::ValuePointer value, Coding coding) const;
    Response absent(const Exchange& exchange, const cache::Answer& answer) const;
    Response failure(const Exchange& exchange, const DatabaseError& error, const Values& values) const;
    void log_failure(const Exchange& exchange, const DatabaseError& error) const;

    const RouteSettings route_;
    const Parameters parameters_;
    std::shared_ptr<const JsonBody> body_;
    Representation shown_;
    Database& database_;
    cache::TwoLevelCache& cache_;
    const Consistency* consistency_;
    const Defaults defaults_;
    StatementSpec spec_;
    RouteTags tags_;                       // of a cached answer, or those that a write invalidates
    std::vector<StatementId> statements_;  // one for each order of the pages
    TagSpelling spelling_;
    std::string key_prefix_;  // changes with the statement, so that instances of two configurations share no copies
    std::optional<RouteHeaders> cached_headers_;
    IdempotencyMode idempotency_ = IdempotencyMode::off;
    std::shared_ptr<const SqlEndpoint> reader_;  // null: no GET route has the path
    const InFlight in_flight_;
    telemetry::Counter too_large_;
    mutable log::Throttle outages_;
    mutable log::Throttle too_large_log_;
    bool names_claims_ = false;  // the SQL does
};

}  // namespace sluice::endpoints

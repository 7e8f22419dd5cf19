// Answers from a statement in PostgreSQL: for a request's values its row or rows, as they are shown, or the problem that an
// error is to the client. Lives as long as whatever loads from it.
#pragma once

#include "cache/load.hpp"
#include "endpoints/in_flight.hpp"
#include "endpoints/representation.hpp"
#include "sluice/exchange.hpp"
#include "sluice/executor.hpp"
#include "sluice/ports/database.hpp"
#include "sluice/settings.hpp"
#include "telemetry/throttle.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::endpoints {

class SqlSource : public std::enable_shared_from_this<SqlSource> {
public:
    using Values = std::vector<std::optional<std::string>>;

    struct Defaults {
        std::size_t max_answer = 16 * 1024 * 1024;  ///< bytes of a result's JSON, where the route says nothing
        std::vector<std::string> key_secrets;       ///< sign cursors
        telemetry::Metrics* metrics = nullptr;      ///< null: none are kept
    };
    /// Registers the statement. `parameters`: how many of the values come from path, query and header.
    SqlSource(const RouteSettings& route, std::size_t parameters, Database& database,
              std::shared_ptr<const InFlight> in_flight, const Defaults& defaults);

    const StatementSpec& spec() const noexcept { return spec_; }
    const Representation& shown() const noexcept { return shown_; }
    /// One for each order of the pages.
    const std::vector<StatementId>& statements() const noexcept { return statements_; }
    /// The one that these values choose.
    StatementId statement_for(const Values& values) const;

    /// What a request asks for.
    struct Question {
        Values values;                     ///< in the order of the statement's parameters
        std::optional<PagePosition> page;  ///< of a route with pages
        std::optional<HistoryPosition> after;
    };
    /// For a cache. `unspelled`: why the tags of the answer are not known, which is the failure then.
    awaitable<cache::LoadResult> load(Question question, std::optional<DatabaseError> unspelled, cache::From from,
                                      Deadline deadline) const;

    /// The query that the question is.
    Query query(Question question) const;

    /// The answer to a client, and a line in the log if the error is not the request's.
    Response failure(const Exchange& exchange, const DatabaseError& error, const Values& values) const;
    /// The same for whoever waits for a load.
    cache::Failure failure_of(DatabaseError error, Values values) const;

private:
    void log_failure(const Exchange& exchange, const DatabaseError& error) const;

    const ErrorRules errors_;
    const std::size_t parameters_;
    const Representation shown_;
    Database& database_;
    const std::shared_ptr<const InFlight> in_flight_;
    StatementSpec spec_;
    std::vector<StatementId> statements_;
    telemetry::Counter too_large_;
    mutable log::Throttle outages_;
    mutable log::Throttle too_large_log_;
};

}  // namespace sluice::endpoints

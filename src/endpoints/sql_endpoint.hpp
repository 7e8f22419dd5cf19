// A route declared in SQL: input checked and bound, the statement run, its JSON answered, through the cache where the route
// says so.
#pragma once

#include "cache/two_level_cache.hpp"
#include "endpoints/json_body.hpp"
#include "endpoints/parameters.hpp"
#include "policy/tag_template.hpp"
#include "sluice/exchange.hpp"
#include "sluice/ports/database.hpp"
#include "sluice/settings.hpp"
#include "telemetry/throttle.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::endpoints {

/// The statement of a route as the database is given it: its parameters in the order in which the endpoint binds them.
StatementSpec statement_of(const SqlRouteSettings& route);

class SqlEndpoint {
public:
    struct Defaults {
        std::chrono::milliseconds request_timeout{15'000};
        std::chrono::milliseconds statement_timeout{5'000};
        std::size_t body_limit = 1024 * 1024;
    };

    /// Registers the statement. `path_names`: the template's parameters in its order.
    SqlEndpoint(SqlRouteSettings route, std::vector<std::string> path_names, Database& database, cache::TwoLevelCache& cache,
                Defaults defaults);

    awaitable<Response> handle(Exchange& exchange) const;

private:
    using Values = std::vector<std::optional<std::string>>;

    void append_caller(std::string& key, const Identity& identity) const;
    awaitable<std::optional<Response>> bind(Exchange& exchange, Values& values) const;
    awaitable<Response> answer(Exchange& exchange, Values values) const;
    Response answer_hit(const Exchange& exchange, const cache::ValuePointer& value, TimePoint now) const;
    cache::Wanted wanted(std::string key, std::string path, const Values& values) const;
    awaitable<Response> answer_cached(Exchange& exchange, std::string key, std::string path, Values values) const;
    std::optional<std::string> value_of(std::string_view name, const Values& values) const;
    std::vector<std::string> tags(const std::vector<policy::TagTemplate>& templates, const Values& values,
                                  std::string_view first_row) const;
    cache::Loader loader(const Values& values, const std::vector<std::string>& tags) const;
    Response success(std::string json) const;
    std::optional<IdempotencyKey> idempotency(const Exchange& exchange, const Values& values) const;
    static Response kept(const Exchange& exchange, QueryResult result);
    KeptAnswer to_keep(const QueryResult& result) const;
    Response failure(const Exchange& exchange, const DatabaseError& error, const Values& values) const;
    void log_failure(const Exchange& exchange, const DatabaseError& error) const;

    const SqlRouteSettings route_;
    const Parameters parameters_;
    std::optional<JsonBody> body_;
    std::vector<policy::TagTemplate> cache_tags_;
    std::vector<policy::TagTemplate> invalidates_;
    Database& database_;
    cache::TwoLevelCache& cache_;
    const Defaults defaults_;
    StatementSpec spec_;
    StatementId statement_ = 0;
    std::string key_prefix_;  // changes with the statement, so that instances of two configurations share no copies
    std::string cache_control_;
    IdempotencyMode idempotency_ = IdempotencyMode::off;
    mutable log::Throttle outages_;
    bool names_claims_ = false;  // the SQL does
    bool personal_ = false;      // the answer is for one client: `private`
};

}  // namespace sluice::endpoints

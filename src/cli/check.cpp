#include "app/route_check.hpp"
#include "app/route_notes.hpp"
#include "cli/commands.hpp"
#include "cli/table.hpp"
#include "postgres/connection/errors.hpp"
#include "postgres/schema/schema.hpp"
#include "sluice/settings.hpp"

#include <nlohmann/json.hpp>

#include <iostream>
#include <iterator>

namespace sluice::cli {
namespace {

std::string auth_word(const RouteOptions& options) {
    std::string word = options.auth == AuthMode::none       ? "none"
                       : options.auth == AuthMode::optional ? "optional"
                                                            : "required";
    for (const auto& scope : options.scopes) word += " " + scope;
    return word;
}

std::string duration_word(milliseconds duration) {
    return duration.count() % 1000 == 0 ? std::to_string(duration.count() / 1000) + "s"
                                        : std::to_string(duration.count()) + "ms";
}

std::string server_word(const RouteSettings& route) {
    if (const auto* upstream = std::get_if<UpstreamRoute>(&route.kind)) return "upstream " + upstream->call.service;
    if (std::holds_alternative<RespondRoute>(route.kind)) return "-";
    return route.method == Method::get && !route.sql().on_primary ? "replica" : "primary";
}

void print_json(const Settings& settings) {
    auto routes = nlohmann::ordered_json::array();
    for (const auto& route : settings.routes) {
        nlohmann::ordered_json row{{"method", to_string(route.method)}, {"path", route.pattern},
                                   {"auth", auth_word(route.options)},  {"server", server_word(route)},
                                   {"summary", route.options.summary},  {"at", to_string(route.location)}};
        if (route.cache) row["ttl_ms"] = route.cache->ttl.count();
        routes.push_back(std::move(row));
    }
    std::cout << nlohmann::ordered_json{{"routes", routes}}.dump(2) << '\n';
}

void print_routes(const Settings& settings) {
    std::vector<std::vector<std::string>> rows{{"METHOD", "PATH", "AUTH", "SERVER", "CACHE", "SUMMARY"}};
    for (const auto& route : settings.routes) {
        rows.push_back({std::string{to_string(route.method)}, route.pattern, auth_word(route.options), server_word(route),
                        route.cache ? duration_word(route.cache->ttl) : "-", route.options.summary});
    }
    print_table(std::cout, rows);
}

void note_migrations(const PostgresSettings& postgres, std::vector<std::string>& notes) {
    try {
        if (postgres::migrations_pending(postgres.primary) > 0)
            notes.push_back("the schema 'sluice' is missing or old; run 'sluice migrate' for keys and invalidations");
    } catch (const postgres::SqlError&) {
        // A role without rights on it may serve, and so may check.
        notes.push_back(
            "this role may not look into the schema 'sluice': keys, idempotency and invalidations need that right");
    }
}

}  // namespace

int check(const Common& common, const Check& how) {
    const auto settings = load_settings(common.config);
    auto mistakes = app::check_parts(settings);
    auto notes = app::notes_on(settings);
    if (mistakes.empty() && !how.offline) {
        app::refuse_unsaid_pooler(settings);
        mistakes = app::check_statements(settings);
        auto of_tables = app::check_tables(settings, notes);
        std::move(of_tables.begin(), of_tables.end(), std::back_inserter(mistakes));
    }
    if (!mistakes.empty()) throw ConfigurationError{std::move(mistakes)};
    if (settings.postgres && !how.offline) note_migrations(*settings.postgres, notes);
    if (how.offline) notes.push_back("offline: no statement was shown to PostgreSQL");
    app::note_bounds(settings, notes);
    for (const auto& note : notes) std::cerr << "note: " << note << '\n';
    if (common.json)
        print_json(settings);
    else
        print_routes(settings);
    return 0;
}

}  // namespace sluice::cli

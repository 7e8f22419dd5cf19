#include "app/route_check.hpp"

#include "app/same_path.hpp"
#include "app/token_keys.hpp"
#include "auth/key_codec.hpp"
#include "cache/level_one.hpp"
#include "config/text_places.hpp"
#include "endpoints/answer_fields.hpp"
#include "endpoints/json_body.hpp"
#include "endpoints/page.hpp"
#include "endpoints/parameters.hpp"
#include "endpoints/route_statement.hpp"
#include "http/fixed_headers.hpp"
#include "middleware/cors.hpp"
#include "postgres/connection/errors.hpp"
#include "postgres/connection/pooler.hpp"
#include "postgres/connection/url_check.hpp"
#include "postgres/pool/statement_check.hpp"
#include "postgres/schema/table_tracking.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace sluice::app {
namespace {

/// Runs `build` and notes what it throws at `location`.
void attempt(const SourceLocation& location, std::vector<ConfigurationMistake>& mistakes,
             const std::function<void()>& build) {
    try {
        build();
    } catch (const std::invalid_argument& error) {
        mistakes.push_back({location, error.what()});
    }
}

std::string route_name(const RouteSettings& route) { return std::string{to_string(route.method)} + " " + route.pattern; }

/// Why no request to this route could bring a condition that holds; empty: some can.
std::string why_unconditional(const Settings& settings, const RouteSettings& route) {
    const auto index = find_reader(settings.routes, route);
    if (!index) return "needs a GET route of the same path, which shows what a condition is about";
    const auto& reader = settings.routes[*index];
    const auto name = "'" + route_name(reader) + "'";
    if (reader.etag == EtagMode::off) return "cannot be met: " + name + " has 'etag: off'";
    if (reader.sql_if() == nullptr) return "needs a GET route of the same path with SQL";
    if (reader.sql().result == ResultShape::none) return "cannot be met: " + name + " has 'result: none', and so no ETag";
    const auto& ours = route.parameters;
    for (const auto& needed : reader.parameters) {
        if (needed.in_path || !needed.required) continue;
        const auto same = [&](const ParameterSettings& one) {
            return !one.in_path && one.required && one.name == needed.name;
        };
        if (std::any_of(ours.begin(), ours.end(), same)) continue;
        return "cannot be met: " + name + " requires the query parameter '" + needed.name +
               "', which must be a required parameter here, too";
    }
    return {};
}

}  // namespace

std::vector<ConfigurationMistake> check_parts(const Settings& settings) {
    std::vector<ConfigurationMistake> mistakes;
    attempt(settings.auth.key_secrets_location, mistakes, [&] { auth::KeyCodec{settings.auth.key_secrets}; });
    attempt({}, mistakes, [&] { http::FixedHeaders{settings.server.headers}; });
    if (settings.server.cors) attempt({}, mistakes, [&] { middleware::Cors{*settings.server.cors}; });
    for (const auto& jwt : settings.auth.jwt) {
        auto wrong = check_jwt(jwt);
        std::move(wrong.begin(), wrong.end(), std::back_inserter(mistakes));
    }
    if (settings.postgres) {  // the file's have been checked; an embedder's have not
        const auto check = [&](const std::string& key, const std::string& url) {
            const auto complaint = postgres::complaint_about_url(postgres::without_pooler(url));
            if (!complaint.empty()) mistakes.push_back({{}, "'" + key + "' " + complaint});
        };
        check("postgres.primary", settings.postgres->primary);
        for (const auto& replica : settings.postgres->replicas) check("postgres.replicas", replica.url);
    }
    for (const auto& route : settings.routes) {
        for (const auto& parameter : route.parameters) {
            attempt(parameter.location, mistakes, [&] { endpoints::Parameter{parameter}; });
        }
        if (const auto* sql = route.sql_if()) {
            if (sql->page)
                attempt(sql->page->location, mistakes, [&] { endpoints::Page{route, settings.auth.key_secrets}; });
            if (sql->precondition == PreconditionMode::required) {
                if (const auto why = why_unconditional(settings, route); !why.empty())
                    mistakes.push_back({sql->precondition_location, "'precondition: required' " + why});
            }
        }
        if (route.body_schema) {
            attempt(route.location, mistakes, [&] {
                endpoints::JsonBody{endpoints::body_members(route), *route.body_schema};
            });
        }
    }
    return mistakes;
}

void refuse_unsaid_pooler(const Settings& settings) {
    if (!settings.postgres) return;
    const auto refuse = [](const std::string& server, const std::string& url) {
        if (const auto why = postgres::find_pooler(url)) {
            throw std::runtime_error{server +
                                     " is reached through a pooler that gives each transaction another connection (" + *why +
                                     "): set 'pooler: transaction' in 'postgres', or name the server itself"};
        }
    };
    refuse("the primary", settings.postgres->primary);
    for (const auto& replica : settings.postgres->replicas) {
        try {
            refuse("a replica", replica.url);
        } catch (const postgres::ConnectionLost&) {
            // It may be away for now.
        }
    }
}

std::vector<ConfigurationMistake> check_statements(const Settings& settings) {
    std::vector<ConfigurationMistake> mistakes;
    if (!settings.postgres) return mistakes;
    struct Origin {
        const RouteSettings* route;
        std::size_t order;  // of its pages
    };
    std::vector<StatementSpec> statements;
    std::vector<Origin> origins;
    std::deque<RouteSettings> fallbacks;  // as routes of their own
    for (const auto& route : settings.routes) {
        for (const auto& fallback : route.fallbacks) {
            const auto* sql = std::get_if<SqlRoute>(&fallback.source);
            if (sql == nullptr) continue;
            fallbacks.push_back(endpoints::with_source(route, *sql));
            origins.push_back({&fallbacks.back(), 0});
            statements.push_back(endpoints::statement_of(fallbacks.back()));
        }
        if (!route.sql_if()) continue;
        auto of_orders = endpoints::statements_of(route);
        for (std::size_t order = 0; order < of_orders.size(); ++order) {
            origins.push_back({&route, order});
            statements.push_back(std::move(of_orders[order]));
        }
    }
    for (const auto& problem : postgres::check_statements(settings.postgres->primary, statements)) {
        const auto& [route, order] = origins.at(problem.index);
        const auto& sql = route->sql();
        const auto place =
            problem.offset ? config::locate(sql.location, sql.places, sql.text, *problem.offset) : sql.location;
        ConfigurationMistake mistake{place, route_name(*route) + ": " + problem.message};
        if (problem.sort_column) {
            const auto column = endpoints::orders_of(*sql.page).at(order).by.at(*problem.sort_column);
            mistake = {column.location, route_name(*route) + ": page: " + problem.message};
        }
        if (problem.needed_column) {
            const auto fields = endpoints::AnswerFields{*route};
            const auto& field = route->headers.at(fields.needed().at(*problem.needed_column).field);
            mistake = {field.location, route_name(*route) + ": '" + field.name + "': " + problem.message +
                                           ", and no parameter or property of that name"};
        }
        // What is wrong with the SQL itself is so in every order.
        const auto same = [&](const ConfigurationMistake& other) {
            return other.message == mistake.message && to_string(other.location) == to_string(mistake.location);
        };
        if (order == 0 || std::none_of(mistakes.begin(), mistakes.end(), same)) mistakes.push_back(std::move(mistake));
    }
    return mistakes;
}

std::vector<ConfigurationMistake> check_tables(const Settings& settings, std::vector<std::string>& notes) {
    std::vector<ConfigurationMistake> mistakes;
    if (!settings.postgres) return mistakes;
    const auto report = postgres::inspect_tracking(settings.postgres->primary, settings.tables);
    for (const auto& mistake : report.mistakes) {
        mistakes.push_back({settings.tables.at(mistake.index).location, mistake.message});
    }
    for (const auto& missed : report.missed) {
        notes.push_back(to_string(settings.tables.at(missed.index).location) + ": " + missed.message);
    }
    for (const auto& table : report.untracked) {
        notes.push_back("the table '" + table + "' is not tracked as configured: run 'sluice migrate'");
    }
    for (const auto& table : report.others) {
        notes.push_back("the table " + table + " is tracked, but not by this configuration");
    }
    return mistakes;
}

void note_bounds(const Settings& settings, std::vector<std::string>& notes) {
    const auto& redis = settings.redis;
    if (redis && redis->cache_url == redis->url)
        notes.push_back("'redis.cache_url' is 'redis.url': it parts nothing, copies have connections of their own anyhow");
    const auto kept = settings.cache.l1_bytes / cache::LevelOne::large_part;
    const auto bytes = [](std::size_t size) { return std::to_string(size) + " bytes"; };
    bool told_of_all = false;
    for (const auto& route : settings.routes) {
        const auto* sql = route.sql_if();
        const auto own = sql ? sql->max_answer : std::nullopt;
        const auto most = own.value_or(settings.server.max_answer);
        if (!route.cache || most <= kept || settings.cache.l1_bytes == 0) continue;
        if (!own && std::exchange(told_of_all, true)) continue;
        notes.push_back((own ? route_name(route) : "cached routes") + ": 'max_answer' allows " + bytes(most) +
                        ", and an answer of more than a quarter of 'cache.l1_bytes', " + bytes(kept) + ", is not kept");
    }
}

}  // namespace sluice::app

#include "endpoints/sql_endpoint.hpp"

#include "endpoints/cache_headers.hpp"
#include "endpoints/cache_key.hpp"
#include "endpoints/database_problem.hpp"
#include "endpoints/decimal.hpp"
#include "endpoints/idempotency.hpp"
#include "endpoints/reserved_names.hpp"
#include "postgres/sql_scanner.hpp"
#include "sluice/problem.hpp"
#include "telemetry/log.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>

namespace sluice::endpoints {
namespace {

std::string envelope(std::string_view json) {
    std::string bytes;
    bytes.reserve(json.size() + 9);
    return bytes.append("{\"data\":").append(json).append("}");
}

/// The type of a body property where PostgreSQL infers none; anything but a plain scalar is bound as its JSON text.
ParameterType property_type(const nlohmann::json& schema, const std::string& name) {
    const auto properties = schema.find("properties");
    if (properties == schema.end() || !properties->contains(name) || !properties->at(name).is_object()) {
        return ParameterType::string;
    }
    const auto type = properties->at(name).value("type", nlohmann::json{});
    if (type == "integer") return ParameterType::integer;
    if (type == "number") return ParameterType::number;
    if (type == "boolean") return ParameterType::boolean;
    return ParameterType::string;
}

std::vector<policy::TagTemplate> compile(const std::vector<std::string>& templates) {
    return {templates.begin(), templates.end()};
}

bool is_uuid(std::string_view text) {
    constexpr std::string_view form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    return text.size() == form.size() && std::equal(text.begin(), text.end(), form.begin(), [](char c, char kind) {
               return kind == '-' ? c == '-' : std::isxdigit(static_cast<unsigned char>(c)) != 0;
           });
}

/// One spelling for one number or UUID, so that `-0`, `5.0` and `5` are the same tag. `sluice.tag_text` does the same.
std::string canonical_scalar(const std::string& text) {
    if (is_json_number(text)) return canonical_number(text);
    if (!is_uuid(text)) return text;
    auto lower = text;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
    return lower;
}

/// A JSON scalar as the text that a tag holds.
std::optional<std::string> tag_text(const nlohmann::json& value) {
    if (value.is_null()) return std::nullopt;
    return value.is_string() ? value.get<std::string>() : canonical_scalar(value.dump());
}

bool names(const std::string& sql, std::string_view parameter) {
    const auto scanned = postgres::scan_sql(sql);
    if (!scanned) return false;  // no statement will be prepared from it
    return std::find(scanned->occurrences.begin(), scanned->occurrences.end(), parameter) != scanned->occurrences.end();
}

Response not_found(const Exchange& exchange) {
    return to_response(Problem::of(404, "There is no such thing here."), exchange.request_id);
}

}  // namespace

StatementSpec statement_of(const SqlRouteSettings& route) {
    StatementSpec spec;
    spec.name = std::string{to_string(route.method)} + " " + route.pattern;
    spec.sql = route.sql;
    spec.result = route.result;
    spec.read_only = route.method == Method::get;
    spec.on_primary = route.on_primary;
    spec.labelled = route.cache && !route.cache->tags.empty();
    const auto add = [&](const std::string& name, ParameterType type) {
        spec.parameters.push_back(name);
        spec.parameter_types.push_back(type);
    };
    for (const auto& parameter : route.parameters) add(parameter.name, parameter.type);
    const auto schema = route.body_schema ? nlohmann::json::parse(*route.body_schema) : nlohmann::json{};
    for (const auto& property : route.body_properties) add(property, property_type(schema, property));
    for (const auto name : reserved_names) add(std::string{name}, ParameterType::string);
    return spec;
}

SqlEndpoint::SqlEndpoint(SqlRouteSettings route, std::vector<std::string> path_names, Database& database,
                         cache::TwoLevelCache& cache, Defaults defaults)
    : route_{std::move(route)},
      parameters_{route_.parameters, std::move(path_names)},
      cache_tags_{route_.cache ? compile(route_.cache->tags) : std::vector<policy::TagTemplate>{}},
      invalidates_{compile(route_.invalidates)},
      database_{database},
      cache_{cache},
      defaults_{defaults},
      spec_{statement_of(route_)},
      statement_{database.add(spec_)} {
    if (route_.method != Method::get) idempotency_ = route_.idempotency;
    if (route_.body_schema) body_.emplace(*route_.body_schema, route_.body_properties);
    if (route_.cache) {
        auto identity = route_.sql + '\0' + std::to_string(static_cast<int>(route_.result));
        for (const auto& parameter : route_.parameters) {
            identity.append(1, '\0').append(parameter.name).append(1, '=').append(parameter.default_value.value_or(""));
        }
        for (const auto& tag : route_.cache->tags) identity.append(1, '\0').append(tag);
        const auto digest = cache::strong_etag(identity);
        key_prefix_ = digest.substr(1, 16) + ":";
        names_claims_ = names(route_.sql, "claims");
        personal_ = route_.cache->vary_identity || route_.options.auth == AuthMode::required;
        cache_control_ = cache_control(*route_.cache, personal_);
    }
}

/// A subject may hold tokens whose claims differ; a route that reads them has an answer for each token.
void SqlEndpoint::append_caller(std::string& key, const Identity& identity) const {
    key.append("\n").append(identity.unique_name());
    if (names_claims_ && !identity.claims.empty()) key.append("\n").append(cache::strong_etag(identity.claims));
}

awaitable<Response> SqlEndpoint::handle(Exchange& exchange) const {
    std::string key;
    std::string path;
    cache::TwoLevelCache::Hit hit;
    if (route_.cache) {
        path = canonical_path(exchange);
        key = key_prefix_ + path;
        if (route_.cache->vary_identity) append_caller(key, exchange.identity);
        // What is cached was bound before, so a hit need not be checked again.
        const auto now = Clock::now();
        hit = cache_.find(key, now);
        if (hit.value) {
            exchange.cache_status = log_name(cache::Answer::How::level_one);
            if (!hit.refresh) co_return answer_hit(exchange, hit.value, now);
        }
    }
    Values values(spec_.parameters.size());
    auto refusal = co_await bind(exchange, values);
    if (refusal) co_return std::move(*refusal);
    if (hit.value) {
        // Answered with what there is; its successor is on its way.
        cache_.refresh(exchange.executor, wanted(std::move(key), std::move(path), values), *hit.value);
        co_return answer_hit(exchange, hit.value, Clock::now());
    }
    if (route_.cache) co_return co_await answer_cached(exchange, std::move(key), std::move(path), std::move(values));
    co_return co_await answer(exchange, std::move(values));
}

awaitable<std::optional<Response>> SqlEndpoint::bind(Exchange& exchange, Values& values) const {
    Problem problem = Problem::of(400, "A parameter is not acceptable.");
    parameters_.bind(exchange, values, problem.errors);
    idempotency_key(exchange.request, idempotency_, problem.errors);
    if (!problem.errors.empty()) co_return to_response(problem, exchange.request_id);

    const auto first_reserved = spec_.parameters.size() - reserved_names.size();
    if (body_) {
        const auto content_type = exchange.request.header("Content-Type");
        if (!content_type || !is_json_media_type(*content_type)) {
            Response response = to_response(Problem::of(415, "The body must be application/json."), exchange.request_id);
            response.headers.add("Accept", "application/json");
            co_return response;
        }
        const auto bytes = co_await exchange.body(route_.options.body_limit.value_or(defaults_.body_limit));
        auto read = body_->read(bytes);
        if (const auto* wrong = std::get_if<Problem>(&read)) co_return to_response(*wrong, exchange.request_id);
        auto& members = std::get<Values>(read);
        std::move(members.begin(), members.end(), values.begin() + static_cast<std::ptrdiff_t>(parameters_.size()));
        values[first_reserved] = std::string{bytes};
    }
    const auto& identity = exchange.identity;
    if (identity.kind == Identity::Kind::api_key) values[first_reserved + 1] = identity.id;
    if (identity.kind == Identity::Kind::token) {
        values[first_reserved + 2] = identity.id;
        values[first_reserved + 3] = identity.claims;
    }
    co_return std::nullopt;
}

awaitable<Response> SqlEndpoint::answer(Exchange& exchange, Values values) const {
    Query query;
    query.statement = statement_;
    query.values = values;
    if (!invalidates_.empty()) {
        query.invalidates = [this, values](std::string_view first_row) { return tags(invalidates_, values, first_row); };
    }
    query.idempotency = idempotency(exchange, values);
    auto result = co_await database_.run(std::move(query), exchange.deadline);
    if (result.has_error()) co_return failure(exchange, result.error(), values);
    if (result->kept) co_return kept(exchange, std::move(*result));
    if (route_.result == ResultShape::none) co_return Response::empty(204);
    if (route_.result == ResultShape::one && !result->found) co_return not_found(exchange);
    co_return success(std::move(result->json));
}

Response SqlEndpoint::answer_hit(const Exchange& exchange, const cache::ValuePointer& value, TimePoint now) const {
    constexpr auto how = cache::Answer::How::level_one;
    if (!value->absent) return cached_response(exchange, value, how, cache_control_, personal_, now);
    auto response = not_found(exchange);
    response.headers.add("Cache-Status", cache_status(*value, how, now));
    return response;
}

cache::Wanted SqlEndpoint::wanted(std::string key, std::string path, const Values& values) const {
    cache::Wanted wanted;
    wanted.key = std::move(key);
    wanted.path = std::move(path);
    wanted.tags = tags(cache_tags_, values, {});
    wanted.ttl = route_.cache->ttl;
    wanted.stale = route_.cache->stale;
    wanted.revalidate = route_.cache->revalidate;
    wanted.negative = route_.cache->negative;
    wanted.load = loader(values, wanted.tags);
    wanted.patience = std::min(route_.options.timeout.value_or(defaults_.request_timeout), defaults_.statement_timeout);
    return wanted;
}

awaitable<Response> SqlEndpoint::answer_cached(Exchange& exchange, std::string key, std::string path, Values values) const {
    auto answer =
        co_await cache_.load(exchange.executor, wanted(std::move(key), std::move(path), values), exchange.deadline);
    exchange.cache_status = log_name(answer.how);
    if (answer.how == cache::Answer::How::failed) co_return failure(exchange, answer.error, values);
    if (answer.how == cache::Answer::How::absent) co_return not_found(exchange);
    co_return cached_response(exchange, answer.value, answer.how, cache_control_, personal_, Clock::now());
}

cache::Loader SqlEndpoint::loader(const Values& values, const std::vector<std::string>& tags) const {
    // The endpoint lives as long as the server; everything else is owned, as the exchange may end before the load.
    return [this, values, tags](bool on_primary, Deadline deadline) -> awaitable<cache::LoadResult> {
        return [](const SqlEndpoint& self, Query query, Deadline until) -> awaitable<cache::LoadResult> {
            auto result = co_await self.database_.run(std::move(query), until);
            if (result.has_error()) co_return std::move(result).error();
            cache::Loaded loaded;
            loaded.found = self.route_.result == ResultShape::many || result->found;
            loaded.body = envelope(result->json);
            loaded.label = std::move(result->label);
            loaded.from_primary = result->from_primary;
            co_return loaded;
        }(*this, Query{statement_, values, tags, on_primary, {}}, deadline);
    };
}

std::optional<std::string> SqlEndpoint::value_of(std::string_view name, const Values& values) const {
    const auto found = std::find(spec_.parameters.begin(), spec_.parameters.end(), name);
    if (found == spec_.parameters.end()) return std::nullopt;
    return values[static_cast<std::size_t>(found - spec_.parameters.begin())];
}

std::vector<std::string> SqlEndpoint::tags(const std::vector<policy::TagTemplate>& templates, const Values& values,
                                           std::string_view first_row) const {
    const auto row = first_row.empty() ? nlohmann::json{} : nlohmann::json::parse(first_row, nullptr, false);
    const auto lookup = [&](std::string_view name) -> std::optional<std::string> {
        if (auto value = value_of(name, values)) return canonical_scalar(*value);
        const auto column = row.is_object() ? row.find(name) : row.end();
        return column == row.end() ? std::nullopt : tag_text(*column);
    };
    std::vector<std::string> filled;
    for (const auto& one : templates) {
        if (auto tag = one.fill(lookup)) filled.push_back(std::move(*tag));
    }
    return filled;
}

std::optional<IdempotencyKey> SqlEndpoint::idempotency(const Exchange& exchange, const Values& values) const {
    std::vector<InputError> told;  // by `bind`
    auto key = idempotency_key(exchange.request, idempotency_, told);
    if (!key) return std::nullopt;
    const auto& body = values[spec_.parameters.size() - reserved_names.size()];
    return IdempotencyKey{exchange.identity.unique_name(), spec_.name, std::move(*key),
                          payload_hash(exchange, body.value_or("")),
                          [this](const QueryResult& result) { return to_keep(result); }};
}

Response SqlEndpoint::kept(const Exchange& exchange, QueryResult result) {
    // A 404 names the request it answers, so it is made anew.
    auto response = result.kept->status == 404 ? not_found(exchange) : kept_response(std::move(*result.kept));
    if (result.replayed) response.headers.add("Idempotency-Replayed", "true");
    return response;
}

KeptAnswer SqlEndpoint::to_keep(const QueryResult& result) const {
    if (route_.result == ResultShape::one && !result.found) return {404, std::nullopt};
    if (route_.result == ResultShape::none || route_.status == 204) return {204, std::nullopt};
    return {route_.status, envelope(result.json)};
}

Response SqlEndpoint::success(std::string json) const {
    if (route_.status == 204) return Response::empty(204);
    Response response = Response::json(route_.status, envelope(json));
    response.headers.add("Cache-Control", "no-store");
    return response;
}

Response SqlEndpoint::failure(const Exchange& exchange, const DatabaseError& error, const Values& values) const {
    // PostgreSQL quotes the value it refused. If that is a path or query parameter's, the parameter caused it, else the
    // body.
    InputSource source = body_ ? InputSource::body : InputSource::parameters;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
        if (values[i] && error.message.find('"' + *values[i] + '"') != std::string::npos) source = InputSource::parameters;
    }
    const auto problem = to_problem(error, source);
    if (problem.status >= 500) log_failure(exchange, error);
    return to_response(problem, exchange.request_id);
}

void SqlEndpoint::log_failure(const Exchange& exchange, const DatabaseError& error) const {
    std::uint64_t left_out = 0;
    if (error.kind != DatabaseError::Kind::rejected) {
        // While a server is away every request meets the same, and the access log has each of them.
        const auto passed = outages_.pass(Clock::now());
        if (!passed) return;
        left_out = *passed;
    }
    log::error("a statement failed", {{"route", spec_.name},
                                      {"request_id", exchange.request_id},
                                      {"sqlstate", error.sqlstate},
                                      {"error", error.message},
                                      {"left_out", left_out}});
}

}  // namespace sluice::endpoints

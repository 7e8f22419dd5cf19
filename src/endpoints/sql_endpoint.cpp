#include "endpoints/sql_endpoint.hpp"

#include "endpoints/cache_key.hpp"
#include "endpoints/database_problem.hpp"
#include "endpoints/idempotency.hpp"
#include "endpoints/own_coding.hpp"
#include "endpoints/page.hpp"
#include "endpoints/read_answer.hpp"
#include "sluice/problem.hpp"
#include "sql/scanner.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace sluice::endpoints {
namespace {

std::vector<policy::TagTemplate> compile(const std::vector<std::string>& templates) {
    return {templates.begin(), templates.end()};
}

bool names(const std::string& sql, std::string_view parameter) {
    const auto scanned = sql::scan_sql(sql);
    if (!scanned) return false;  // no statement will be prepared from it
    return std::find(scanned->occurrences.begin(), scanned->occurrences.end(), parameter) != scanned->occurrences.end();
}

CachedAnswer::Settings cached_settings(const RouteSettings& route, const SqlSource& source,
                                       const SqlEndpoint::Defaults& defaults) {
    CachedAnswer::Settings settings;
    settings.route = source.spec().name;
    settings.rule = *route.cache;
    settings.key_prefix = key_prefix(route, route.sql().text + '\0' + source.shown().mark());
    settings.by_claims = names(route.sql().text, "claims");
    settings.envelope = source.shown().envelope();
    settings.compress_from = defaults.compress_from;
    settings.patience = std::min(route.options.timeout.value_or(defaults.request_timeout), defaults.statement_timeout);
    settings.coherence = defaults.coherence;
    return settings;
}

DatabaseError error_of(const cache::Failure& failure) {
    using Cause = cache::Failure::Cause;
    if (failure.cause == Cause::timed_out) return {DatabaseError::Kind::timed_out, {}, "the deadline passed while loading"};
    if (failure.cause == Cause::stopping) return {DatabaseError::Kind::unavailable, {}, "the server is stopping"};
    return {DatabaseError::Kind::rejected, "XX000", failure.detail};
}

}  // namespace

SqlEndpoint::SqlEndpoint(RouteSettings route, std::vector<std::string> path_names, Database& database,
                         cache::TwoLevelCache& cache, const Consistency* consistency, const Defaults& defaults)
    : route_{std::move(route)},
      database_{database},
      consistency_{consistency},
      defaults_{defaults},
      in_flight_{std::make_shared<const InFlight>(defaults.memory, defaults.metrics)},
      requests_{route_, std::move(path_names), {defaults.body_limit, defaults.body_lane}, in_flight_},
      source_{std::make_shared<const SqlSource>(
          route_, requests_.parameters().size(), database, in_flight_,
          SqlSource::Defaults{defaults.max_answer, defaults.key_secrets, defaults.metrics})},
      tags_{compile(route_.cache ? route_.cache->tags : route_.sql().invalidates), source_->spec(),
            declared_types(route_, source_->spec())},
      spelling_{tags_, source_->spec().name, database, defaults_.tag_types},
      fallbacks_{route_, requests_.parameters().size(),
                 Fallbacks::Parts{&database, defaults.upstreams, in_flight_, defaults.body_lane,
                                  SqlSource::Defaults{defaults.max_answer, defaults.key_secrets, defaults.metrics},
                                  defaults.metrics, defaults.compress_from}} {
    if (route_.cache)
        cached_.emplace(cached_settings(route_, *source_, defaults_), cache, static_cast<const CachedSource&>(*this),
                        in_flight_);
}

Outcome SqlEndpoint::handle(Exchange& exchange) const {
    After after;
    if (consistency_ && route_.method == Method::get) {
        auto read = consistency_->read(exchange);
        if (auto* refusal = std::get_if<Response>(&read)) return std::move(*refusal);
        after = std::get<After>(read);
    }
    if (cached_) return cached_->handle(exchange, after);
    return answer(exchange, std::move(after));
}

std::optional<ShownState> SqlEndpoint::shown_by_reader() const {
    if (!reader_) return std::nullopt;
    return ShownState{reader_->source_->statements(), reader_->requests_.names().size(), reader_->requests_.parameters(),
                      reader_->source_->shown(), reader_->route_.options};
}

std::optional<Problem> SqlEndpoint::bind_beside(const Exchange& exchange, Bound& bound,
                                                std::vector<InputError> errors) const {
    if (const auto* page = source_->shown().page(); page && errors.empty()) {
        page->settle_order(bound.values);
        bound.page = page->position(bound.values);
        if (!bound.page)
            errors.push_back({"query", "cursor", "must be the 'next' of an answer to this path and these parameters"});
    }
    const auto mode = route_.method == Method::get ? IdempotencyMode::off : route_.sql().idempotency;
    bound.idempotency_key = idempotency_key(exchange.request, mode, errors);
    if (!errors.empty()) return Problem{400, "A parameter is not acceptable.", std::move(errors)};
    return std::nullopt;
}

awaitable<std::optional<Problem>> SqlEndpoint::bind_condition(const Exchange& exchange, Bound& bound) const {
    const auto state = shown_by_reader();
    auto condition =
        co_await write_condition(exchange, route_.sql().precondition, state ? &*state : nullptr, requests_.lane());
    if (auto* wrong = std::get_if<Problem>(&condition)) co_return std::move(*wrong);
    bound.condition = std::get<std::shared_ptr<const Condition>>(std::move(condition));
    co_return std::nullopt;
}

awaitable<std::variant<SqlEndpoint::Bound, Response>> SqlEndpoint::bind(Exchange& exchange) const {
    Bound bound;
    std::vector<InputError> errors;
    std::optional<Problem> problem;
    // Nearly all are bound at once, and most routes only read: those need no coroutine of their own.
    if (!requests_.bind_at_once(exchange, bound.values, errors))
        problem = co_await requests_.bind_parameters(exchange, bound.values, errors);
    if (!problem) problem = bind_beside(exchange, bound, std::move(errors));
    if (!problem && route_.method != Method::get) problem = co_await bind_condition(exchange, bound);
    if (problem) co_return to_response(*problem, exchange.request_id);
    if (route_.body_schema) {
        if (auto refusal = co_await requests_.bind_body(exchange, bound.values, bound.body_held))
            co_return std::move(*refusal);
    }
    if (!tags_.constant()) bound.tags = co_await spelling_.spell(bound.values, exchange.deadline);
    co_return bound;
}

awaitable<std::variant<CachedSource::Asked, Response>> SqlEndpoint::ask(Exchange& exchange, const After& after) const {
    auto outcome = co_await bind(exchange);
    if (auto* refusal = std::get_if<Response>(&outcome)) co_return std::move(*refusal);
    auto& bound = std::get<Bound>(outcome);
    Asked asked;
    asked.tags = tags_.fill(bound.tags.values);
    asked.untagged = bound.tags.unspelled.has_value();
    SqlSource::Question question{std::move(bound.values), std::move(bound.page), after};
    asked.load = [source = source_, question = std::move(question), unspelled = std::move(bound.tags.unspelled),
                  held = std::move(bound.body_held)](cache::From from, Deadline deadline) {
        return source->load(question, unspelled, from, deadline);
    };
    co_return asked;
}

Response SqlEndpoint::given_up(const Exchange& exchange, const cache::Failure& failure) const {
    return source_->failure(exchange, error_of(failure), {});
}

awaitable<std::optional<Response>> SqlEndpoint::fall_back(Exchange& exchange) const {
    if (fallbacks_.empty()) co_return std::nullopt;
    auto outcome = co_await bind(exchange);
    if (!std::holds_alternative<Bound>(outcome)) co_return std::nullopt;
    co_return co_await fallbacks_.answer(exchange, std::move(std::get<Bound>(outcome).values));
}

void SqlEndpoint::add_to(Response& response, const Exchange& exchange, std::string_view body) const {
    add_link(response.headers, exchange, source_->shown(), body);
}

Query SqlEndpoint::query_of(const Exchange& exchange, Bound& bound, After after) const {
    auto query = source_->query({bound.values, std::move(bound.page), std::move(after)});
    query.tell_position = consistency_ != nullptr && !source_->spec().read_only;
    if (!route_.sql().invalidates.empty()) {
        query.invalidates = [this, spelled = bound.tags.values](std::string_view first_row) {
            return tags_.fill(spelled, first_row);
        };
    }
    query.idempotency = idempotency(exchange, bound);
    query.condition = std::move(bound.condition);
    query.pin = exchange.pin();
    return query;
}

awaitable<Response> SqlEndpoint::answer(Exchange& exchange, After after) const {
    auto outcome = co_await bind(exchange);
    if (auto* refusal = std::get_if<Response>(&outcome)) co_return std::move(*refusal);
    auto& bound = std::get<Bound>(outcome);
    // Whom a write concerns must be known before it is done.
    if (bound.tags.unspelled) co_return failure(exchange, *bound.tags.unspelled, bound.values);
    auto query = query_of(exchange, bound, std::move(after));
    auto held = in_flight_->before_fetch();
    if (held.has_error()) co_return co_await failed(exchange, std::move(held).error(), std::move(bound.values));
    auto result = co_await database_.run(std::move(query), exchange.deadline);
    if (result.has_error()) co_return co_await failed(exchange, std::move(result).error(), std::move(bound.values));
    held = in_flight_->fetched(std::move(*held), result->json.size());
    if (route_.method != Method::get) {
        // What is written is answered in any case.
        co_return co_await answer_written(exchange, std::move(*result), std::move(bound.values),
                                          held ? std::move(*held) : InFlight::Held{});
    }
    if (held.has_error()) co_return co_await failed(exchange, std::move(held).error(), std::move(bound.values));
    auto read = co_await answer_read(exchange, source_->shown(), std::move(*result), std::move(bound.values),
                                     defaults_.compress_from);
    InFlight::hold(read, std::move(*held));
    co_return read;
}

awaitable<Response> SqlEndpoint::answer_written(const Exchange& exchange, QueryResult result, Values values,
                                                InFlight::Held held) const {
    const auto position = result.position;
    auto response = co_await answer_of(exchange, std::move(result), values);
    if (response.status < 400 && has_content(response.status))
        co_await encode(response, choose_own_coding(exchange.request, response.body, defaults_.compress_from));
    InFlight::hold(response, std::move(held));
    if (position) consistency_->add_to(response, *position);
    co_return response;
}

std::optional<IdempotencyKey> SqlEndpoint::idempotency(const Exchange& exchange, Bound& bound) const {
    if (!bound.idempotency_key) return std::nullopt;
    return IdempotencyKey{exchange.identity.unique_name(), source_->spec().name, std::move(*bound.idempotency_key),
                          payload_hash(exchange, requests_.body_of(bound.values).value_or(""),
                                       requests_.parameters().fields_of(exchange.request)),
                          [this](const QueryResult& result) { return source_->shown().answer(result, {}); }};
}

/// Of a write. A 404 names the request it answers, so it is made anew.
awaitable<Response> SqlEndpoint::answer_of(const Exchange& exchange, QueryResult result, const Values& values) const {
    const auto& shown = source_->shown();
    if (!result.kept) result.kept = co_await shown.answer_by_turns(result, values);
    auto answer = std::move(*result.kept);
    HeaderBlock fields;
    if (answer.status != 404) shown.add_fields(fields, values, answer.body.value_or(""));
    auto response = answer.status == 404 ? not_found(exchange) : own_response(std::move(answer));
    response.headers.append(fields);
    if (result.replayed) response.headers.add("Idempotency-Replayed", "true");
    co_return response;
}

awaitable<Response> SqlEndpoint::failed(Exchange& exchange, DatabaseError error, Values values) const {
    if (!fallbacks_.empty() && may_stand_in(error)) {
        if (auto instead = co_await fallbacks_.answer(exchange, values)) co_return std::move(*instead);
    }
    co_return failure(exchange, error, values);
}

Response SqlEndpoint::failure(const Exchange& exchange, const DatabaseError& error, const Values& values) const {
    auto response = source_->failure(exchange, error, values);
    if (error.position) consistency_->add_to(response, *error.position);
    return response;
}

}  // namespace sluice::endpoints

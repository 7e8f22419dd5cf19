#include "endpoints/sql_endpoint.hpp"

#include "cache/compression.hpp"
#include "cache/etag.hpp"
#include "endpoints/body_reading.hpp"
#include "endpoints/by_turns.hpp"
#include "endpoints/cache_key.hpp"
#include "endpoints/database_problem.hpp"
#include "endpoints/idempotency.hpp"
#include "endpoints/own_coding.hpp"
#include "endpoints/parameter_binding.hpp"
#include "endpoints/read_answer.hpp"
#include "endpoints/route_statement.hpp"
#include "sluice/problem.hpp"
#include "sql/reserved_names.hpp"
#include "sql/scanner.hpp"
#include "telemetry/log.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <stdexcept>

namespace sluice::endpoints {

using How = cache::Answer::How;

namespace {

std::vector<policy::TagTemplate> compile(const std::vector<std::string>& templates) {
    return {templates.begin(), templates.end()};
}

bool names(const std::string& sql, std::string_view parameter) {
    const auto scanned = sql::scan_sql(sql);
    if (!scanned) return false;  // no statement will be prepared from it
    return std::find(scanned->occurrences.begin(), scanned->occurrences.end(), parameter) != scanned->occurrences.end();
}

awaitable<Response> settled(Outcome outcome) {
    if (auto* response = std::get_if<Response>(&outcome)) co_return std::move(*response);
    co_return co_await std::get<awaitable<Response>>(std::move(outcome));
}

StatementSpec limited(StatementSpec spec, std::size_t max_answer) {
    spec.max_answer = max_answer;
    return spec;
}

}  // namespace

SqlEndpoint::SqlEndpoint(RouteSettings route, std::vector<std::string> path_names, Database& database,
                         cache::TwoLevelCache& cache, const Consistency* consistency, Defaults defaults)
    : route_{std::move(route)},
      parameters_{query_and_path_parameters(route_), std::move(path_names)},
      shown_{route_, defaults.key_secrets},
      database_{database},
      cache_{cache},
      consistency_{consistency},
      defaults_{defaults},
      spec_{limited(statement_of(route_), route_.sql().max_answer.value_or(defaults.max_answer))},
      tags_{compile(route_.cache ? route_.cache->tags : route_.sql().invalidates), spec_, declared_types(route_, spec_)},
      spelling_{tags_, spec_.name, database, defaults_.tag_types},
      in_flight_{defaults.memory, defaults.metrics} {
    if (defaults.metrics != nullptr) too_large_ = defaults.metrics->answers_too_large(route_.pattern);
    for (auto& spec : statements_of(route_)) statements_.push_back(database.add(limited(std::move(spec), spec_.max_answer)));
    if (route_.method != Method::get) idempotency_ = route_.sql().idempotency;
    if (route_.body_schema) {
        if (!defaults_.body_lane) throw std::invalid_argument{"a route with a body needs a lane to read it"};
        body_ = std::make_shared<const JsonBody>(body_members(route_), *route_.body_schema);
    }
    if (route_.cache) {
        key_prefix_ = key_prefix(route_, shown_.mark());
        names_claims_ = names(route_.sql().text, "claims");
        cached_headers_.emplace(*route_.cache, shown_.success_status(), shown_.envelope());
    }
}

Outcome SqlEndpoint::handle(Exchange& exchange) const {
    After after;
    if (consistency_ && route_.method == Method::get) {
        auto read = consistency_->read(exchange);
        if (auto* refusal = std::get_if<Response>(&read)) return std::move(*refusal);
        after = std::get<After>(read);
    }
    if (!route_.cache) return answer(exchange, after);
    // Written where the last request's was: a hit allocates nothing.
    thread_local std::string key;
    key.assign(key_prefix_);
    append_canonical_path(key, exchange);
    const auto path_end = key.size();
    append_variant(key, route_.cache->vary, names_claims_, exchange);
    const auto path = [&] { return key.substr(key_prefix_.size(), path_end - key_prefix_.size()); };
    // What is cached was bound before, so a hit need not be checked again.
    const auto look = cache_.look();
    auto hit = cache_.find(key, look, after);
    if (!hit.value) return answer_loaded(exchange, key, path(), after);
    exchange.cache_status = log_name(How::level_one);
    if (hit.prolong) cache_.prolong(exchange.executor, key, hit.value);
    if (hit.refresh) return answer_and_refresh(exchange, key, path(), std::move(hit.value));
    return answer_with(exchange, key, std::move(hit.value), How::level_one, look);
}

/// Answered with what there is; its successor is on its way.
awaitable<Response> SqlEndpoint::answer_and_refresh(Exchange& exchange, std::string key, std::string path,
                                                    cache::ValuePointer value) const {
    auto outcome = co_await bind(exchange);
    if (auto* bound = std::get_if<Bound>(&outcome)) {
        cache_.refresh(exchange.executor, wanted(key, std::move(path), std::move(*bound), {}), *value);
    }
    auto outcome_of_value = answer_with(exchange, key, std::move(value), How::level_one, cache_.look());
    co_return co_await settled(std::move(outcome_of_value));
}

std::optional<ShownState> SqlEndpoint::shown_by_reader() const {
    if (!reader_) return std::nullopt;
    return ShownState{reader_->statements_, reader_->spec_.parameters.size(), reader_->parameters_, reader_->shown_,
                      reader_->route_.options};
}

StatementId SqlEndpoint::statement_for(const Values& values) const {
    const auto* page = shown_.page();
    return page != nullptr ? statements_[page->order(values)] : statements_.front();
}

std::optional<Problem> SqlEndpoint::bind_beside(const Exchange& exchange, Bound& bound,
                                                std::vector<InputError> errors) const {
    if (const auto* page = shown_.page(); page && errors.empty()) {
        page->settle_order(bound.values);
        bound.page = page->position(bound.values);
        if (!bound.page)
            errors.push_back({"query", "cursor", "must be the 'next' of an answer to this path and these parameters"});
    }
    bound.idempotency_key = idempotency_key(exchange.request, idempotency_, errors);
    if (!errors.empty()) return Problem{400, "A parameter is not acceptable.", std::move(errors)};
    bind_caller(exchange.identity, bound.values);
    return std::nullopt;
}

awaitable<std::optional<Problem>> SqlEndpoint::bind_condition(const Exchange& exchange, Bound& bound) const {
    const auto state = shown_by_reader();
    auto condition =
        co_await write_condition(exchange, route_.sql().precondition, state ? &*state : nullptr, defaults_.body_lane);
    if (auto* wrong = std::get_if<Problem>(&condition)) co_return std::move(*wrong);
    bound.condition = std::get<std::shared_ptr<const Condition>>(std::move(condition));
    co_return std::nullopt;
}

awaitable<std::variant<SqlEndpoint::Bound, Response>> SqlEndpoint::bind(Exchange& exchange) const {
    Bound bound;
    auto& values = bound.values;
    values.resize(spec_.parameters.size());
    std::vector<InputError> errors;
    std::optional<Problem> problem;
    // Nearly all are bound at once, and most routes only read: those need no coroutine of their own.
    if (!bind_at_once(parameters_, defaults_.body_lane, exchange, values, errors))
        problem = co_await bind_parameters(parameters_, defaults_.body_lane, exchange, values, errors);
    if (!problem) problem = bind_beside(exchange, bound, std::move(errors));
    if (!problem && route_.method != Method::get) problem = co_await bind_condition(exchange, bound);
    if (problem) co_return to_response(*problem, exchange.request_id);
    const auto first_reserved = spec_.parameters.size() - sql::reserved_names.size();
    if (body_) {
        const auto content_type = exchange.request.header("Content-Type");
        if (!content_type || !is_json_media_type(*content_type)) {
            Response response = to_response(Problem::of(415, "The body must be application/json."), exchange.request_id);
            response.headers.add("Accept", "application/json");
            co_return response;
        }
        const auto limit = route_.options.body_limit.value_or(defaults_.body_limit);
        auto room = in_flight_.body(exchange.request, limit);
        if (const auto* none = std::get_if<Problem>(&room)) co_return to_response(*none, exchange.request_id);
        bound.body_held = std::get<InFlight::Held>(std::move(room));
        const auto bytes = co_await exchange.body(limit);
        auto read = co_await read_body(body_, *defaults_.body_lane, exchange, bytes);
        if (const auto* wrong = std::get_if<Problem>(&read)) co_return to_response(*wrong, exchange.request_id);
        auto& members = std::get<Values>(read);
        std::move(members.begin(), members.end(), values.begin() + static_cast<std::ptrdiff_t>(parameters_.size()));
        values[first_reserved] = std::string{bytes};
    }
    if (!tags_.constant()) bound.tags = co_await spelling_.spell(values, exchange.deadline);
    co_return bound;
}

awaitable<Response> SqlEndpoint::answer(Exchange& exchange, After after) const {
    auto outcome = co_await bind(exchange);
    if (auto* refusal = std::get_if<Response>(&outcome)) co_return std::move(*refusal);
    auto& bound = std::get<Bound>(outcome);
    const auto& values = bound.values;
    // Whom a write concerns must be known before it is done.
    if (bound.tags.unspelled) co_return failure(exchange, *bound.tags.unspelled, values);
    Query query;
    query.statement = statement_for(values);
    query.values = values;
    query.after = after;
    query.tell_position = consistency_ != nullptr && !spec_.read_only;
    query.page = std::move(bound.page);
    if (!route_.sql().invalidates.empty()) {
        query.invalidates = [this, spelled = bound.tags.values](std::string_view first_row) {
            return tags_.fill(spelled, first_row);
        };
    }
    query.idempotency = idempotency(exchange, bound);
    query.condition = std::move(bound.condition);
    auto held = in_flight_.before_fetch();
    if (held.has_error()) co_return failure(exchange, held.error(), values);
    auto result = co_await database_.run(std::move(query), exchange.deadline);
    if (result.has_error()) co_return failure(exchange, result.error(), values);
    held = in_flight_.fetched(std::move(*held), result->json.size());
    if (route_.method == Method::get) {
        if (held.has_error()) co_return failure(exchange, held.error(), values);
        auto read =
            co_await answer_read(exchange, shown_, std::move(*result), std::move(bound.values), defaults_.compress_from);
        InFlight::hold(read, std::move(*held));
        co_return read;
    }
    const auto position = result->position;
    auto response = co_await answer_of(exchange, std::move(*result), values);
    if (response.status < 400 && has_content(response.status))
        co_await encode(response, choose_own_coding(exchange.request, response.body, defaults_.compress_from));
    if (held) InFlight::hold(response, std::move(*held));  // what is written is answered in any case
    if (position) consistency_->add_to(response, *position);
    co_return response;
}

Outcome SqlEndpoint::answer_with(Exchange& exchange, std::string_view key, cache::ValuePointer value, How how,
                                 const Look& look) const {
    if (value->absent) {
        auto response = not_found(exchange);
        response.headers.add("Cache-Status", cache_status(*value, how, look.now));
        return response;
    }
    Coding coding;
    // A status that has no content cannot be coded either.
    coding.negotiable = defaults_.compress_from != never_compressed && has_content(shown_.success_status());
    if (coding.negotiable && how != How::stale) {
        coding.wanted = wanted_coding(exchange.request, value->body.size() >= defaults_.compress_from);
        coding.coded = value->coded.find(coding.wanted);
        if (!coding.coded && coding.wanted != policy::ContentCoding::identity) {
            return answer_coded(exchange, std::string{key}, std::move(value), coding, how);
        }
    }
    if (how == How::stale && shown_.envelope() && value->body.size() > copied_at_once)
        return answer_stale(exchange, std::move(value), coding);
    return answer_in(exchange, value, coding, how, look);
}

awaitable<Response> SqlEndpoint::answer_stale(const Exchange& exchange, cache::ValuePointer value, Coding coding) const {
    auto response = answer_in(exchange, value, coding, How::stale, cache_.look());
    if (response.status == shown_.success_status()) {
        auto marked = co_await stale_body(value->body);
        set_content(response, std::move(marked));
    }
    co_return response;
}

awaitable<Response> SqlEndpoint::answer_coded(Exchange& exchange, std::string key, cache::ValuePointer value, Coding coding,
                                              How how) const {
    coding.coded = co_await cache_.coded(std::move(key), value, coding.wanted);
    if (coding.coded || policy::accepts_identity(exchange.request.combined_header("Accept-Encoding")))
        co_return answer_in(exchange, value, coding, how, cache_.look());
    // It would not be smaller, or another request is making it: the client will have nothing else, so it has its own.
    const auto own = std::make_shared<cache::CodedBody>();
    own->body = co_await cache::compress(value->body, coding.wanted, cache::Effort::fast);
    own->etag = cache::coded_etag(value->etag, coding.wanted);
    coding.coded = own.get();
    auto response = answer_in(exchange, value, coding, how, cache_.look());
    if (response.shared_body) response.shared_body = std::shared_ptr<const std::string>{own, &own->body};
    co_return response;
}

Response SqlEndpoint::answer_in(const Exchange& exchange, const cache::ValuePointer& value, const Coding& coding, How how,
                                const Look& look) const {
    const bool polled = defaults_.coherence && defaults_.coherence->enabled();
    auto response = cached_response(exchange, value, coding, how, *cached_headers_, look.now,
                                    polled ? look.last_poll_sent : std::nullopt);
    in_flight_.hold(response, value);
    add_link(response, exchange, shown_, value->body);
    return response;
}

cache::Wanted SqlEndpoint::wanted(std::string key, std::string path, Bound bound, After after) const {
    cache::Wanted wanted;
    wanted.key = std::move(key);
    wanted.path = std::move(path);
    wanted.route = spec_.name;
    wanted.tags = tags_.fill(bound.tags.values);
    wanted.ttl = route_.cache->ttl;
    wanted.stale = route_.cache->stale;
    wanted.revalidate = route_.cache->revalidate;
    wanted.grace = route_.cache->l1;
    wanted.negative = route_.cache->negative;
    wanted.headers = cache_tag_header(*route_.cache, wanted.tags);
    if (!shown_.fields().empty()) {
        wanted.add_fields = [this, values = bound.values](HeaderBlock& headers, std::string_view body) {
            shown_.add_fields(headers, values, body);
        };
    }
    wanted.after = after;
    // Without its tags no copy can be known to be fresh, and none can be kept; it may stand in.
    if (bound.tags.unspelled) wanted.after.emplace().lsn = std::numeric_limits<std::uint64_t>::max();  // of no history
    // The endpoint lives as long as the server; everything else is owned, as the exchange may end before the load.
    wanted.load = [this, bound = std::move(bound), after](bool on_primary, Deadline deadline) {
        return load(bound, after, on_primary, deadline);
    };
    wanted.patience = std::min(route_.options.timeout.value_or(defaults_.request_timeout), defaults_.statement_timeout);
    return wanted;
}

awaitable<Response> SqlEndpoint::answer_loaded(Exchange& exchange, std::string key, std::string path, After after) const {
    auto outcome = co_await bind(exchange);
    if (auto* refusal = std::get_if<Response>(&outcome)) co_return std::move(*refusal);
    const auto& bound = std::get<Bound>(outcome);
    auto answer = co_await cache_.load(exchange.executor, wanted(key, std::move(path), bound, after), exchange.deadline);
    exchange.cache_status = log_name(answer.how);
    if (answer.how == How::failed) co_return failure(exchange, answer.error, bound.values);
    if (answer.how == How::absent) co_return absent(exchange, answer);
    auto outcome_of_value = answer_with(exchange, key, std::move(answer.value), answer.how, cache_.look());
    co_return co_await settled(std::move(outcome_of_value));
}

awaitable<cache::LoadResult> SqlEndpoint::load(Bound bound, After after, bool on_primary, Deadline deadline) const {
    if (bound.tags.unspelled) co_return std::move(*bound.tags.unspelled);
    Query query;
    query.statement = statement_for(bound.values);
    query.values = bound.values;
    query.primary = on_primary;
    query.after = after;
    query.page = std::move(bound.page);
    auto held = in_flight_.before_fetch();
    if (held.has_error()) co_return std::move(held).error();
    auto result = co_await database_.run(std::move(query), deadline);
    if (result.has_error()) co_return std::move(result).error();
    held = in_flight_.fetched(std::move(*held), result->json.size());
    if (held.has_error()) co_return std::move(held).error();
    cache::Loaded loaded;
    loaded.memory = std::move(*held);
    loaded.found = shown_.status(*result) != 404;
    loaded.body = co_await shown_.body_by_turns(*result, bound.values);
    loaded.etag = co_await shown_.etag_by_turns(*result, loaded.body);
    loaded.label = std::move(result->label);
    loaded.from_primary = result->from_primary;
    co_return loaded;
}

std::optional<IdempotencyKey> SqlEndpoint::idempotency(const Exchange& exchange, Bound& bound) const {
    if (!bound.idempotency_key) return std::nullopt;
    const auto& body = bound.values[spec_.parameters.size() - sql::reserved_names.size()];
    return IdempotencyKey{exchange.identity.unique_name(), spec_.name, std::move(*bound.idempotency_key),
                          payload_hash(exchange, body.value_or(""), parameters_.fields_of(exchange.request)),
                          [this](const QueryResult& result) { return shown_.answer(result, {}); }};
}

/// Of a write. A 404 names the request it answers, so it is made anew.
awaitable<Response> SqlEndpoint::answer_of(const Exchange& exchange, QueryResult result, const Values& values) const {
    if (!result.kept) result.kept = co_await shown_.answer_by_turns(result, values);
    auto answer = std::move(*result.kept);
    HeaderBlock fields;
    if (answer.status != 404) shown_.add_fields(fields, values, answer.body.value_or(""));
    auto response = answer.status == 404 ? not_found(exchange) : own_response(std::move(answer));
    response.headers.append(fields);
    if (result.replayed) response.headers.add("Idempotency-Replayed", "true");
    co_return response;
}

/// A 404 that was looked up a moment ago, here or by another instance.
Response SqlEndpoint::absent(const Exchange& exchange, const cache::Answer& answer) const {
    auto response = not_found(exchange);
    const bool from_store = answer.value && answer.judged != TimePoint::max();
    response.headers.add("Cache-Status",
                         from_store ? cache_status(*answer.value, How::level_two, Clock::now()) : cache_status_of_miss);
    return response;
}

Response SqlEndpoint::failure(const Exchange& exchange, const DatabaseError& error, const Values& values) const {
    // It was cancelled, whatever came of that; the pipeline knows what it means.
    if (exchange.client_gone) throw boost::system::system_error{boost::asio::error::operation_aborted};
    const auto problem = to_problem(error, source_of(error, values, parameters_.size()), route_.sql().errors);
    if (problem.status >= 500) {
        log_failure(exchange, error);
    } else {
        log::debug("statement_refused", {{"route", spec_.name},
                                         {"request_id", exchange.request_id},
                                         {"status", problem.status},
                                         {"sqlstate", error.sqlstate},
                                         {"error", error.message}});
    }
    auto response = to_response(problem, exchange.request_id);
    if (error.position) consistency_->add_to(response, *error.position);
    return response;
}

void SqlEndpoint::log_failure(const Exchange& exchange, const DatabaseError& error) const {
    std::uint64_t left_out = 0;
    if (error.kind == DatabaseError::Kind::too_large) {
        too_large_.add();
        const auto passed = too_large_log_.pass(Clock::now());
        if (!passed) return;
        return log::error("answer_too_large", {{"route", spec_.name},
                                               {"request_id", exchange.request_id},
                                               {"bytes", error.bytes},
                                               {"limit", spec_.max_answer},
                                               {"left_out", *passed}});
    }
    if (error.kind != DatabaseError::Kind::rejected) {
        // While a server is away every request meets the same, and the access log has each of them.
        const auto passed = outages_.pass(Clock::now());
        if (!passed) return;
        left_out = *passed;
    }
    log::error("statement_failed", {{"route", spec_.name},
                                    {"request_id", exchange.request_id},
                                    {"sqlstate", error.sqlstate},
                                    {"error", error.message},
                                    {"left_out", left_out}});
}

}  // namespace sluice::endpoints

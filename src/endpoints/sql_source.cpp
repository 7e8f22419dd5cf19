#include "endpoints/sql_source.hpp"

#include "endpoints/database_problem.hpp"
#include "endpoints/error_source.hpp"
#include "endpoints/page.hpp"
#include "endpoints/route_statement.hpp"
#include "sluice/problem.hpp"
#include "telemetry/log.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <cstdint>
#include <utility>

namespace sluice::endpoints {
namespace {

StatementSpec limited(StatementSpec spec, std::size_t max_answer) {
    spec.max_answer = max_answer;
    return spec;
}

}  // namespace

SqlSource::SqlSource(const RouteSettings& route, std::size_t parameters, Database& database,
                     std::shared_ptr<const InFlight> in_flight, const Defaults& defaults)
    : errors_{route.sql().errors},
      parameters_{parameters},
      shown_{route, defaults.key_secrets},
      database_{database},
      in_flight_{std::move(in_flight)},
      spec_{limited(statement_of(route), route.sql().max_answer.value_or(defaults.max_answer))} {
    if (defaults.metrics != nullptr) too_large_ = defaults.metrics->answers_too_large(route.pattern);
    for (auto& spec : statements_of(route)) statements_.push_back(database.add(limited(std::move(spec), spec_.max_answer)));
}

StatementId SqlSource::statement_for(const Values& values) const {
    const auto* page = shown_.page();
    return page != nullptr ? statements_[page->order(values)] : statements_.front();
}

Query SqlSource::query(Question question) const {
    Query query;
    query.statement = statement_for(question.values);
    query.values = std::move(question.values);
    query.after = std::move(question.after);
    query.page = std::move(question.page);
    return query;
}

awaitable<cache::LoadResult> SqlSource::load(Question question, std::optional<DatabaseError> unspelled, cache::From from,
                                             Deadline deadline) const {
    auto values = question.values;
    if (unspelled) co_return failure_of(std::move(*unspelled), std::move(values));
    auto asked = query(std::move(question));
    asked.primary = from == cache::From::origin;
    auto held = in_flight_->before_fetch();
    if (held.has_error()) co_return failure_of(std::move(held).error(), std::move(values));
    auto result = co_await database_.run(std::move(asked), deadline);
    if (result.has_error()) co_return failure_of(std::move(result).error(), std::move(values));
    held = in_flight_->fetched(std::move(*held), result->json.size());
    if (held.has_error()) co_return failure_of(std::move(held).error(), std::move(values));
    cache::Loaded loaded;
    loaded.memory = std::move(*held);
    loaded.status = shown_.status(*result);
    loaded.found = loaded.status != 404;
    loaded.body = co_await shown_.body_by_turns(*result, values);
    loaded.etag = co_await shown_.etag_by_turns(*result, loaded.body);
    if (loaded.found) shown_.add_fields(loaded.headers, values, loaded.body);
    loaded.label = std::move(result->label);
    loaded.may_lag = !result->from_primary;
    co_return loaded;
}

cache::Failure SqlSource::failure_of(DatabaseError error, Values values) const {
    cache::Failure failure;
    failure.may_stand_in = may_stand_in(error);
    failure.answer = [self = shared_from_this(), error = std::move(error), values = std::move(values)](
                         const Exchange& exchange) { return self->failure(exchange, error, values); };
    return failure;
}

Response SqlSource::failure(const Exchange& exchange, const DatabaseError& error, const Values& values) const {
    // It was cancelled, whatever came of that; the pipeline knows what it means.
    if (exchange.client_gone) throw boost::system::system_error{boost::asio::error::operation_aborted};
    const auto problem = to_problem(error, source_of(error, values, parameters_), errors_);
    if (problem.status >= 500) {
        log_failure(exchange, error);
    } else {
        log::debug("statement_refused", {{"route", spec_.name},
                                         {"request_id", exchange.request_id},
                                         {"status", problem.status},
                                         {"sqlstate", error.sqlstate},
                                         {"error", error.message}});
    }
    return to_response(problem, exchange.request_id);
}

void SqlSource::log_failure(const Exchange& exchange, const DatabaseError& error) const {
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

#include "admin/blocking_answer.hpp"

#include "postgres/connection/errors.hpp"
#include "runtime/on_lane.hpp"
#include "sluice/handler.hpp"
#include "sluice/problem.hpp"
#include "telemetry/log.hpp"

#include <string>
#include <utility>

namespace sluice::admin {
namespace {

Response unavailable(std::string detail, std::string_view request_id) {
    auto problem = Problem::of(503, std::move(detail));
    problem.retry_after = std::chrono::seconds{1};
    return to_response(problem, request_id);
}

/// For people; empty if the server has no part in it.
std::string what_is_missing(const postgres::SqlError& error) {
    constexpr std::string_view undefined_column = "42703";  // a schema that older migrations made
    if (postgres::judge(error.sqlstate()) == postgres::Verdict::no_bookkeeping || error.sqlstate() == undefined_column) {
        return "The schema 'sluice' is missing or not up to date: run 'sluice migrate'.";
    }
    return "";
}

}  // namespace

Response answer_to_failure(const std::exception_ptr& error, std::string_view request_id) {
    try {
        std::rethrow_exception(error);
    } catch (const ProblemError& problem) {
        return to_response(problem.problem(), request_id);
    } catch (const postgres::ConnectionLost& failure) {
        log::warning("admin_request_failed", {{"request_id", request_id}, {"error", failure.what()}});
        return unavailable("The primary cannot be reached.", request_id);
    } catch (const postgres::SqlError& failure) {
        log::error("admin_request_failed", {{"request_id", request_id}, {"error", failure.what()}});
        if (auto missing = what_is_missing(failure); !missing.empty()) return unavailable(std::move(missing), request_id);
    } catch (const std::exception& failure) {
        log::error("admin_request_failed", {{"request_id", request_id}, {"error", failure.what()}});
    }
    return to_response(Problem::of(500, "An error on our side; it has been logged."), request_id);
}

awaitable<Response> blocking_answer(runtime::BlockingLane& lane, Exchange& exchange, std::function<Response()> job) {
    // What went wrong is told where it happens: the log has it also when nobody waits any more.
    std::function<Response()> work = [job = std::move(job), request_id = exchange.request_id] {
        try {
            return job();
        } catch (...) {
            return answer_to_failure(std::current_exception(), request_id);
        }
    };
    auto answer = co_await runtime::on_lane<Response>(lane, exchange.executor, exchange.deadline, std::move(work));
    if (answer) co_return std::move(*answer);
    if (answer.error() == runtime::LaneError::full) {
        co_return unavailable("Too many requests wait already.", exchange.request_id);
    }
    co_return to_response(Problem::of(504, "The request took too long; it may still be carried out."), exchange.request_id);
}

}  // namespace sluice::admin

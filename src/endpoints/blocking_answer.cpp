#include "endpoints/blocking_answer.hpp"

#include "postgres/errors.hpp"
#include "runtime/one_shot.hpp"
#include "sluice/handler.hpp"
#include "sluice/problem.hpp"
#include "telemetry/log.hpp"

#include <utility>

namespace sluice::endpoints {
namespace {

Response unavailable(std::string detail, std::string_view request_id) {
    auto problem = Problem::of(503, std::move(detail));
    problem.retry_after = std::chrono::seconds{1};
    return to_response(problem, request_id);
}

Response carry_out(const std::function<Response()>& job, const std::string& request_id) {
    try {
        return job();
    } catch (const ProblemError& problem) {
        return to_response(problem.problem(), request_id);
    } catch (const postgres::ConnectionLost& error) {
        log::warning("admin_request_failed", {{"request_id", request_id}, {"error", error.what()}});
        return unavailable("The primary cannot be reached.", request_id);
    } catch (const postgres::SqlError& error) {
        log::error("admin_request_failed", {{"request_id", request_id}, {"error", error.what()}});
        constexpr std::string_view undefined_column = "42703";  // a schema that older migrations made
        if (postgres::judge(error.sqlstate()) == postgres::Verdict::no_bookkeeping ||
            error.sqlstate() == undefined_column) {
            return unavailable("The schema 'sluice' is missing or not up to date: run 'sluice migrate'.", request_id);
        }
        if (postgres::judge(error.sqlstate()) == postgres::Verdict::server_gone) {
            return unavailable("The primary cannot be reached.", request_id);
        }
    } catch (const std::exception& error) {
        log::error("admin_request_failed", {{"request_id", request_id}, {"error", error.what()}});
    }
    return to_response(Problem::of(500, "An error on our side; it has been logged."), request_id);
}

}  // namespace

awaitable<Response> blocking_answer(runtime::BlockingLane& lane, Exchange& exchange, std::function<Response()> job) {
    const runtime::OneShot<Response> done{exchange.executor};
    auto work = [job = std::move(job), done, request_id = exchange.request_id](std::size_t) {
        done.set(carry_out(job, request_id));
    };
    if (!lane.try_submit(std::move(work))) co_return unavailable("Too many requests wait already.", exchange.request_id);
    auto answer = co_await done.wait(exchange.deadline);
    if (answer) co_return std::move(*answer);
    co_return to_response(Problem::of(504, "The request took too long; it may still be carried out."), exchange.request_id);
}

}  // namespace sluice::endpoints

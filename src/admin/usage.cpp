#include "admin/usage.hpp"

#include "admin/blocking_answer.hpp"
#include "sluice/problem.hpp"

#include <nlohmann/json.hpp>

#include <charconv>
#include <utility>

namespace sluice::admin {
namespace {

unsigned days_of(const std::vector<QueryParameter>& query) {
    unsigned days = 30;
    for (const auto& [name, value] : query) {
        const auto* const end = value.data() + value.size();
        const auto [last, error] = std::from_chars(value.data(), end, days);
        if (name != "days" || error != std::errc{} || last != end || days == 0 || days > most_usage_days) {
            throw ProblemError{Problem::of(400, "The one parameter here is 'days', a number from 1 to 400.")};
        }
    }
    return days;
}

awaitable<Response> answer_usage(const KeyAdministration& keys, runtime::BlockingLane& lane, const UsageFunction& usage,
                                 Exchange& exchange) {
    const auto days = days_of(exchange.query);
    const auto& id = exchange.path_values.at(0);
    // A key that is mistyped has used nothing, which would be believed.
    std::function<Response()> look = [&keys, id] {
        const auto record = keys.show(id);
        if (!record) throw ProblemError{Problem::of(404, record.error().message)};
        return Response::empty(204);
    };
    auto found = co_await blocking_answer(lane, exchange, std::move(look));
    if (found.status != 204) co_return found;
    std::exception_ptr error;
    try {
        const auto report = co_await usage(exchange.executor, id, days, exchange.deadline);
        auto response = Response::json(200, to_json(report).dump());
        response.headers.add("Cache-Control", "no-store");
        co_return response;
    } catch (...) {
        error = std::current_exception();
    }
    co_return answer_to_failure(error, exchange.request_id);
}

}  // namespace

Handler usage_handler(const KeyAdministration& keys, runtime::BlockingLane& lane, UsageFunction usage) {
    return
        [&keys, &lane, usage = std::move(usage)](Exchange& exchange) { return answer_usage(keys, lane, usage, exchange); };
}

}  // namespace sluice::admin

#include "endpoints/parameter_binding.hpp"

#include "json/findings.hpp"
#include "runtime/on_lane.hpp"

#include <functional>
#include <utility>

namespace sluice::endpoints {
namespace {

/// As much as a body may take there.
constexpr std::size_t most_at_once = json::budget_at_once.steps * json::budget_at_once.instructions_per_step;

struct Binding {
    std::vector<std::optional<std::string>> values;
    std::vector<InputError> errors;
};

Problem too_many() {
    auto problem = Problem::of(503, "Too many long parameters wait to be checked.");
    problem.retry_after = std::chrono::seconds{1};
    return problem;
}

}  // namespace

bool bind_at_once(const Parameters& parameters, const runtime::BlockingLane* lane, const Exchange& exchange,
                  std::vector<std::optional<std::string>>& values, std::vector<InputError>& errors,
                  Parameters::Unknown unknown) {
    const auto fields = parameters.fields_of(exchange.request);
    const Parameters::Given given{exchange.path_values, exchange.query, fields};
    if (lane != nullptr && parameters.matching_cost(given) > most_at_once) return false;
    parameters.bind(given, values, errors, unknown);
    return true;
}

awaitable<std::optional<Problem>> bind_parameters(const Parameters& parameters, runtime::BlockingLane* lane,
                                                  const Exchange& exchange, std::vector<std::optional<std::string>>& values,
                                                  std::vector<InputError>& errors, Parameters::Unknown unknown) {
    if (bind_at_once(parameters, lane, exchange, values, errors, unknown)) co_return std::nullopt;
    const auto fields = parameters.fields_of(exchange.request);
    // Owns the texts, and pins the parameters, as the exchange may be gone before they are looked at.
    std::function<Binding()> work = [&parameters, pin = exchange.pin(), path_values = exchange.path_values,
                                     query = exchange.query, fields, count = values.size(), deadline = exchange.deadline,
                                     unknown] {
        Binding binding;
        binding.values.resize(count);
        if (!deadline.passed(Clock::now()))
            parameters.bind({path_values, query, fields}, binding.values, binding.errors, unknown);
        return binding;
    };
    auto done = co_await runtime::on_lane<Binding>(*lane, exchange.executor, exchange.deadline, std::move(work));
    if (!done) {
        if (done.error() == runtime::LaneError::full) co_return too_many();
        co_return Problem::of(504, "The request took too long.");
    }
    values = std::move(done->values);
    errors = std::move(done->errors);
    co_return std::nullopt;
}

}  // namespace sluice::endpoints

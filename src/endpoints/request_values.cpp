#include "endpoints/request_values.hpp"

#include "endpoints/body_members.hpp"
#include "endpoints/body_reading.hpp"
#include "endpoints/page.hpp"
#include "endpoints/parameter_binding.hpp"
#include "json/property_types.hpp"
#include "json/schema.hpp"
#include "sql/reserved_names.hpp"

#include <algorithm>
#include <stdexcept>

namespace sluice::endpoints {

std::vector<NamedValue> values_of(const RouteSettings& route) {
    std::vector<NamedValue> values;
    for (const auto& parameter : query_and_path_parameters(route)) values.push_back({parameter.name, parameter.type});
    const auto schema = route.body_schema ? json::read_schema(*route.body_schema) : json::Json{};
    for (const auto& member : body_members(route)) {
        const auto types = json::property_types(schema, member.path);
        values.push_back({member.name, member.as_array && types.array ? ParameterType::array : types.parameter_type()});
    }
    for (const auto name : sql::reserved_names) values.push_back({std::string{name}, ParameterType::string});
    return values;
}

RequestValues::RequestValues(const RouteSettings& route, std::vector<std::string> path_names, Limits limits,
                             std::shared_ptr<const InFlight> in_flight)
    : parameters_{query_and_path_parameters(route), std::move(path_names)},
      own_body_limit_{route.options.body_limit},
      limits_{limits},
      in_flight_{std::move(in_flight)} {
    for (auto& value : values_of(route)) names_.push_back(std::move(value.name));
    if (!route.body_schema) return;
    if (!limits_.lane) throw std::invalid_argument{"a route with a body needs a lane to read it"};
    body_ = std::make_shared<const JsonBody>(body_members(route), *route.body_schema);
}

bool RequestValues::bind_at_once(const Exchange& exchange, Values& values, std::vector<InputError>& errors) const {
    values.resize(names_.size());
    if (!endpoints::bind_at_once(parameters_, limits_.lane, exchange, values, errors)) return false;
    bind_caller(exchange.identity, values);
    return true;
}

awaitable<std::optional<Problem>> RequestValues::bind_parameters(const Exchange& exchange, Values& values,
                                                                 std::vector<InputError>& errors) const {
    values.resize(names_.size());
    auto problem = co_await endpoints::bind_parameters(parameters_, limits_.lane, exchange, values, errors);
    bind_caller(exchange.identity, values);
    co_return problem;
}

awaitable<std::optional<Response>> RequestValues::bind_body(Exchange& exchange, Values& values, InFlight::Held& held) const {
    if (!body_) co_return std::nullopt;
    const auto content_type = exchange.request.header("Content-Type");
    if (!content_type || !is_json_media_type(*content_type)) {
        Response response = to_response(Problem::of(415, "The body must be application/json."), exchange.request_id);
        response.headers.add("Accept", "application/json");
        co_return response;
    }
    const auto limit = own_body_limit_.value_or(limits_.body);
    auto room = in_flight_->body(exchange.request, limit);
    if (const auto* none = std::get_if<Problem>(&room)) co_return to_response(*none, exchange.request_id);
    held = std::get<InFlight::Held>(std::move(room));
    const auto bytes = co_await exchange.body(limit);
    auto read = co_await read_body(body_, *limits_.lane, exchange, bytes);
    if (const auto* wrong = std::get_if<Problem>(&read)) co_return to_response(*wrong, exchange.request_id);
    auto& members = std::get<Values>(read);
    std::move(members.begin(), members.end(), values.begin() + static_cast<std::ptrdiff_t>(parameters_.size()));
    values[names_.size() - sql::reserved_names.size()] = std::string{bytes};
    co_return std::nullopt;
}

awaitable<std::variant<RequestValues::Values, Response>> RequestValues::bind(Exchange& exchange,
                                                                             InFlight::Held& held) const {
    Values values;
    std::vector<InputError> errors;
    std::optional<Problem> problem;
    if (!bind_at_once(exchange, values, errors)) problem = co_await bind_parameters(exchange, values, errors);
    if (!problem && !errors.empty()) problem = Problem{400, "A parameter is not acceptable.", std::move(errors)};
    if (problem) co_return to_response(*problem, exchange.request_id);
    if (auto refusal = co_await bind_body(exchange, values, held)) co_return std::move(*refusal);
    co_return values;
}

const std::optional<std::string>& RequestValues::body_of(const Values& values) const {
    return values[names_.size() - sql::reserved_names.size()];
}

}  // namespace sluice::endpoints

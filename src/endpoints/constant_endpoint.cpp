#include "endpoints/constant_endpoint.hpp"

#include "cache/etag.hpp"
#include "endpoints/own_coding.hpp"
#include "endpoints/read_answer.hpp"
#include "sluice/problem.hpp"

#include <optional>
#include <utility>

namespace sluice::endpoints {
namespace {

std::string etag_of(const RouteSettings& route, const RespondRoute& constant) {
    const bool has =
        route.method == Method::get && route.etag == EtagMode::on && route.status < 300 && !constant.body.empty();
    return has ? cache::strong_etag(constant.body) : std::string{};
}

}  // namespace

ConstantEndpoint::ConstantEndpoint(const RouteSettings& route, std::vector<std::string> path_names,
                                   RequestValues::Limits limits, std::size_t compress_from)
    : requests_{route, std::move(path_names), limits, std::make_shared<const InFlight>(nullptr, nullptr)},
      fields_{route},
      constant_{std::get<RespondRoute>(route.kind)},
      status_{route.status},
      etag_{etag_of(route, constant_)},
      compress_from_{compress_from} {}

awaitable<Response> ConstantEndpoint::answer(Exchange& exchange) const {
    RequestValues::Values values;
    std::vector<InputError> errors;
    std::optional<Problem> problem;
    if (!requests_.bind_at_once(exchange, values, errors))
        problem = co_await requests_.bind_parameters(exchange, values, errors);
    if (!problem && !errors.empty()) problem = Problem{400, "A parameter is not acceptable.", std::move(errors)};
    if (problem) co_return to_response(*problem, exchange.request_id);
    InFlight::Held held;
    if (auto refusal = co_await requests_.bind_body(exchange, values, held)) co_return std::move(*refusal);
    OwnAnswer own;
    own.status = status_;
    own.body = constant_.body;
    own.content_type = constant_.content_type;
    own.etag = etag_;
    fields_.add_to(own.headers, values, {});
    Coding coding;
    if (has_content(status_)) coding = choose_own_coding(exchange.request, own.body, compress_from_);
    auto response = own_answer(exchange, std::move(own), coding);
    if (needs_coding(response, coding)) co_await encode(response, coding);
    co_return response;
}

}  // namespace sluice::endpoints

#include "endpoints/constant_endpoint.hpp"

#include "cache/etag.hpp"
#include "endpoints/read_answer.hpp"

#include <utility>
#include <variant>

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
    InFlight::Held held;
    auto bound = co_await requests_.bind(exchange, held);
    if (auto* refusal = std::get_if<Response>(&bound)) co_return std::move(*refusal);
    OwnAnswer own;
    own.status = status_;
    own.body = constant_.body;
    own.content_type = constant_.content_type;
    own.etag = etag_;
    fields_.add_to(own.headers, std::get<RequestValues::Values>(bound), {});
    co_return co_await answer_own(exchange, std::move(own), compress_from_);
}

}  // namespace sluice::endpoints

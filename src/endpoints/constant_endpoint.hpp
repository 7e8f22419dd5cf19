// A route that answers everyone the same.
#pragma once

#include "endpoints/answer_fields.hpp"
#include "endpoints/in_flight.hpp"
#include "endpoints/request_values.hpp"
#include "sluice/exchange.hpp"
#include "sluice/settings.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace sluice::endpoints {

class ConstantEndpoint {
public:
    /// `path_names`: the template's parameters in its order. `limits`: of requests. `compress_from`: bytes of an answer.
    ConstantEndpoint(const RouteSettings& route, std::vector<std::string> path_names, RequestValues::Limits limits,
                     std::size_t compress_from);

    Outcome handle(Exchange& exchange) const { return answer(exchange); }

private:
    awaitable<Response> answer(Exchange& exchange) const;

    const RequestValues requests_;
    const AnswerFields fields_;
    const RespondRoute constant_;
    const unsigned status_;
    const std::string etag_;  // empty: it has none
    const std::size_t compress_from_;
};

}  // namespace sluice::endpoints

// The answer to a read that was done for one request alone, without a cache.
#pragma once

#include "endpoints/representation.hpp"
#include "sluice/exchange.hpp"
#include "sluice/executor.hpp"
#include "sluice/ports/database.hpp"
#include "sluice/response.hpp"

#include <cstddef>
#include <string_view>

namespace sluice::endpoints {

/// With ETag, coded from so many bytes on, or what the request's preconditions make of it (304, 412).
awaitable<Response> answer_read(const Exchange& exchange, const Representation& shown, QueryResult result,
                                Representation::Values values, std::size_t compress_from);

/// The bytes of a stale answer, which say that it is one: `{"data":…,"stale":true}`. The body must outlive the call.
awaitable<std::string> stale_body(std::string_view body);

/// To the next page, if there is one.
void add_link(Response& response, const Exchange& exchange, const Representation& shown, std::string_view body);

Response not_found(const Exchange& exchange);

}  // namespace sluice::endpoints

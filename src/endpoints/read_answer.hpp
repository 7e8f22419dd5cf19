// The answer to a read that was done for one request alone, without a cache.
#pragma once

#include "endpoints/cache_headers.hpp"
#include "endpoints/representation.hpp"
#include "sluice/exchange.hpp"
#include "sluice/executor.hpp"
#include "sluice/ports/database.hpp"
#include "sluice/response.hpp"

#include <cstddef>
#include <string_view>

namespace sluice::endpoints {

/// What one request is answered, and nobody else shares.
struct OwnAnswer {
    unsigned status = 200;
    std::string body;  ///< empty: it has none
    std::string_view content_type = "application/json";
    std::string etag;     ///< strong, of the body; empty: it has none
    HeaderBlock headers;  ///< beside those that every such answer has
};
/// As `coding` has it, or what the request's preconditions make of it (304, 412). The body is yet to be coded where
/// `needs_coding` says so.
Response own_answer(const Exchange& exchange, OwnAnswer answer, const Coding& coding);
/// The same whole, coded from so many bytes on.
awaitable<Response> answer_own(const Exchange& exchange, OwnAnswer answer, std::size_t compress_from);
inline bool needs_coding(const Response& response, const Coding& coding) noexcept {
    return coding.wanted != policy::ContentCoding::identity && response.status < 300;
}

/// With ETag, coded from so many bytes on, or what the request's preconditions make of it (304, 412).
awaitable<Response> answer_read(const Exchange& exchange, const Representation& shown, QueryResult result,
                                Representation::Values values, std::size_t compress_from);

/// The bytes of an answer in the envelope with a further member, such as `"stale":true`. The body must outlive the call.
awaitable<std::string> with_member(std::string_view body, std::string member);

/// To the next page, if there is one.
void add_link(HeaderBlock& headers, const Exchange& exchange, const Representation& shown, std::string_view body);

Response not_found(const Exchange& exchange);

}  // namespace sluice::endpoints

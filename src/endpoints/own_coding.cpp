#include "endpoints/own_coding.hpp"

#include "cache/compression.hpp"

namespace sluice::endpoints {

Coding choose_own_coding(const Request& request, std::string_view body, std::size_t least) {
    Coding coding;
    coding.negotiable = body.size() >= least;
    if (coding.negotiable) coding.wanted = policy::choose_coding(request.combined_header("Accept-Encoding"));
    return coding;
}

awaitable<void> encode(Response& response, Coding coding) {
    if (coding.negotiable) response.headers.add_to_list("Vary", "Accept-Encoding");
    if (coding.wanted == policy::ContentCoding::identity) co_return;
    response.headers.add("Content-Encoding", to_string(coding.wanted));
    response.body = co_await cache::compress(response.body, coding.wanted, cache::Effort::fast);
}

}  // namespace sluice::endpoints

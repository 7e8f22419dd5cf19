#include "endpoints/own_coding.hpp"

#include "cache/compression.hpp"
#include "policy/content_coding.hpp"

#include <algorithm>

namespace sluice::endpoints {

namespace {

/// Whether there is any `q=0`, which few clients send.
bool may_refuse_identity(const Request& request) noexcept {
    return std::any_of(request.headers.begin(), request.headers.end(), [](const HeaderField& field) {
        return equal_ignoring_case(field.name, "Accept-Encoding") && field.value.find("=0") != field.value.npos;
    });
}

}  // namespace

policy::ContentCoding wanted_coding(const Request& request, bool large) {
    if (!large && !may_refuse_identity(request)) return policy::ContentCoding::identity;
    const auto accepted = request.combined_header("Accept-Encoding");
    if (!large && policy::accepts_identity(accepted)) return policy::ContentCoding::identity;
    return policy::choose_coding(accepted);
}

Coding choose_own_coding(const Request& request, std::string_view body, std::size_t least) {
    Coding coding;
    coding.negotiable = least != never_compressed;
    if (coding.negotiable) coding.wanted = wanted_coding(request, body.size() >= least);
    return coding;
}

awaitable<void> encode(Response& response, Coding coding) {
    if (coding.negotiable) response.headers.add_to_list("Vary", "Accept-Encoding");
    if (coding.wanted == policy::ContentCoding::identity) co_return;
    response.headers.add("Content-Encoding", to_string(coding.wanted));
    response.body = co_await cache::compress(response.body, coding.wanted, cache::Effort::fast);
}

}  // namespace sluice::endpoints

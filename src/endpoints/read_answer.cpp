#include "endpoints/read_answer.hpp"

#include "cache/etag.hpp"
#include "endpoints/by_turns.hpp"
#include "endpoints/own_coding.hpp"
#include "endpoints/page.hpp"
#include "endpoints/write_condition.hpp"
#include "policy/preconditions.hpp"
#include "sluice/problem.hpp"

#include <string>
#include <utility>

namespace sluice::endpoints {

awaitable<Response> answer_read(const Exchange& exchange, const Representation& shown, QueryResult result,
                                Representation::Values values, std::size_t compress_from) {
    Response response;
    response.status = shown.status(result);
    if (response.status == 404) co_return not_found(exchange);
    const bool small = shown.takes_one_turn(result);
    std::string body;
    if (small)
        body = shown.body(result, values);
    else
        body = co_await shown.body_by_turns(result, values);
    Coding coding;
    if (has_content(response.status)) coding = choose_own_coding(exchange.request, body, compress_from);
    std::string plain_etag;
    if (small)
        plain_etag = shown.etag(result, body);
    else
        plain_etag = co_await shown.etag_by_turns(result, body);
    const auto etag = cache::coded_etag(plain_etag, coding.wanted);
    const auto judgement = policy::judge_preconditions(exchange.request.method, exchange.request.headers, {true, etag});
    if (judgement == policy::Judgement::failed) co_return to_response(precondition_failed(), exchange.request_id);
    response.headers.add("Cache-Control", "no-store");
    if (coding.negotiable) response.headers.add("Vary", "Accept-Encoding");
    if (!etag.empty()) response.headers.add("ETag", etag);
    add_link(response, exchange, shown, body);
    shown.add_fields(response.headers, values, body);
    if (judgement == policy::Judgement::not_modified) {
        response.status = 304;
        co_return response;
    }
    set_content(response, std::move(body));
    if (coding.wanted != policy::ContentCoding::identity) co_await encode(response, coding);
    co_return response;
}

awaitable<std::string> stale_body(std::string_view body) {
    body.remove_suffix(1);  // the closing brace
    co_return co_await join_by_turns({}, body, ",\"stale\":true}");
}

void add_link(Response& response, const Exchange& exchange, const Representation& shown, std::string_view body) {
    if (shown.page() == nullptr) return;
    if (const auto cursor = next_cursor(body)) response.headers.add("Link", next_link(exchange, *cursor));
}

Response not_found(const Exchange& exchange) {
    return to_response(Problem::of(404, "There is no such thing here."), exchange.request_id);
}

}  // namespace sluice::endpoints

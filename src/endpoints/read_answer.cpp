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

Response own_answer(const Exchange& exchange, OwnAnswer answer, const Coding& coding) {
    const auto etag = cache::coded_etag(answer.etag, coding.wanted);
    const auto judgement = policy::judge_preconditions(exchange.request.method, exchange.request.headers, {true, etag});
    if (judgement == policy::Judgement::failed) return to_response(precondition_failed(), exchange.request_id);
    Response response;
    response.status = answer.status;
    response.headers.add("Cache-Control", "no-store");
    if (coding.negotiable) response.headers.add("Vary", "Accept-Encoding");
    if (!etag.empty()) response.headers.add("ETag", etag);
    response.headers.append(answer.headers);
    if (judgement == policy::Judgement::not_modified) response.status = 304;
    if (response.status == 304 || !has_content(response.status) || answer.body.empty()) return response;
    response.headers.add("Content-Type", answer.content_type);
    response.body = std::move(answer.body);
    return response;
}

awaitable<Response> answer_own(const Exchange& exchange, OwnAnswer answer, std::size_t compress_from) {
    Coding coding;
    if (has_content(answer.status)) coding = choose_own_coding(exchange.request, answer.body, compress_from);
    auto response = own_answer(exchange, std::move(answer), coding);
    if (needs_coding(response, coding)) co_await encode(response, coding);
    co_return response;
}

awaitable<Response> answer_read(const Exchange& exchange, const Representation& shown, QueryResult result,
                                Representation::Values values, std::size_t compress_from) {
    OwnAnswer own;
    own.status = shown.status(result);
    if (own.status == 404) co_return not_found(exchange);
    const bool small = shown.takes_one_turn(result);
    if (small)
        own.body = shown.body(result, values);
    else
        own.body = co_await shown.body_by_turns(result, values);
    Coding coding;
    if (has_content(own.status)) coding = choose_own_coding(exchange.request, own.body, compress_from);
    if (small)
        own.etag = shown.etag(result, own.body);
    else
        own.etag = co_await shown.etag_by_turns(result, own.body);
    add_link(own.headers, exchange, shown, own.body);
    shown.add_fields(own.headers, values, own.body);
    auto response = own_answer(exchange, std::move(own), coding);
    if (needs_coding(response, coding)) co_await encode(response, coding);
    co_return response;
}

awaitable<std::string> with_member(std::string_view body, std::string member) {
    body.remove_suffix(1);  // the closing brace
    const auto tail = "," + member + "}";
    co_return co_await join_by_turns({}, body, tail);
}

void add_link(HeaderBlock& headers, const Exchange& exchange, const Representation& shown, std::string_view body) {
    if (shown.page() == nullptr) return;
    if (const auto cursor = next_cursor(body)) headers.add("Link", next_link(exchange, *cursor));
}

Response not_found(const Exchange& exchange) {
    return to_response(Problem::of(404, "There is no such thing here."), exchange.request_id);
}

}  // namespace sluice::endpoints

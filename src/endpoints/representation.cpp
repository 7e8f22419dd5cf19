#include "endpoints/representation.hpp"

#include "cache/etag.hpp"
#include "endpoints/by_turns.hpp"
#include "json/row_member.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace sluice::endpoints {
namespace {

constexpr std::string_view head = "{\"data\":";
constexpr std::string_view nothing = "null";

}  // namespace

void set_content(Response& response, std::string json) {
    if (!has_content(response.status)) return;
    response.headers.add("Content-Type", "application/json");
    response.body = std::move(json);
}

void set_content(Response& response, std::shared_ptr<const std::string> json) {
    if (!has_content(response.status)) return;
    response.headers.add("Content-Type", "application/json");
    response.shared_body = std::move(json);
}

Representation::Representation(const RouteSettings& route, const std::vector<std::string>& key_secrets)
    : result_{route.sql().result},
      status_{route.sql().result == ResultShape::none ? 204 : route.status},
      envelope_{route.envelope.value_or(true)},
      etag_{route.sql().result == ResultShape::none ? EtagMode::off : route.etag},
      statement_{cache::strong_etag(route.sql().text)},
      fields_{route} {
    if (!envelope_ && route.sql().page) throw std::invalid_argument{"pages need the envelope, where their cursor stands"};
    if (route.sql().page) page_.emplace(route, key_secrets);
}

unsigned Representation::status(const QueryResult& result) const noexcept {
    return result_ == ResultShape::one && !result.found ? 404 : status_;
}

bool Representation::takes_one_turn(const QueryResult& result) noexcept {
    return result.json.size() <= std::min(copied_at_once, cache::hashed_at_once) / 2;  // what is added is less than that
}

std::string Representation::tail(const QueryResult& result, const Values& values) const {
    return page_ ? page_->behind_rows(result, values) : "}";
}

std::string Representation::body(const QueryResult& result, const Values& values) const {
    const std::string_view json{result.json.empty() ? nothing : std::string_view{result.json}};
    if (!envelope_) return std::string{json};
    const auto end = tail(result, values);
    std::string bytes;
    bytes.reserve(head.size() + json.size() + end.size());
    return std::move(bytes.append(head).append(json).append(end));
}

awaitable<std::string> Representation::body_by_turns(const QueryResult& result, const Values& values) const {
    if (result.json.size() <= copied_at_once) co_return body(result, values);
    if (!envelope_) co_return co_await join_by_turns({}, result.json, {});
    const auto end = tail(result, values);
    co_return co_await join_by_turns(head, result.json, end);
}

KeptAnswer Representation::answer(const QueryResult& result, const Values& values) const {
    const auto found = status(result);
    if (found == 404 || !(has_content(found) || fields_.need_row())) return {found, std::nullopt};
    return {found, body(result, values)};
}

awaitable<KeptAnswer> Representation::answer_by_turns(const QueryResult& result, const Values& values) const {
    const auto found = status(result);
    if (found == 404 || !(has_content(found) || fields_.need_row())) co_return KeptAnswer{found, std::nullopt};
    auto bytes = co_await body_by_turns(result, values);  // named first: g++ 12 destroys it twice within the braces
    co_return KeptAnswer{found, std::move(bytes)};
}

std::string Representation::etag(const QueryResult& result, std::string_view body) const {
    if (etag_ == EtagMode::off) return {};
    return etag_ == EtagMode::version ? etag_of_version(result) : cache::strong_etag(body);
}

awaitable<std::string> Representation::etag_by_turns(const QueryResult& result, std::string_view body) const {
    if (etag_ != EtagMode::on || body.size() <= cache::hashed_at_once) co_return etag(result, body);
    co_return co_await cache::strong_etag_by_turns(body);
}

// A row without a version has nothing that tells its states apart.
std::string Representation::etag_of_version(const QueryResult& result) const {
    const auto version = json::row_member(result.json, version_column);
    if (!version || *version == "null") return {};
    return cache::strong_etag(statement_ + std::string{*version});
}

// In the envelope the row stands between the head and the closing brace.
void Representation::add_fields(HeaderBlock& headers, const Values& values, std::string_view body) const {
    if (fields_.empty()) return;
    std::string_view row;
    if (fields_.need_row() && !envelope_) row = body;
    if (fields_.need_row() && envelope_ && body.starts_with(head))
        row = body.substr(head.size(), body.size() - head.size() - 1);
    fields_.add_to(headers, values, row);
}

std::string Representation::mark() const {
    auto mark = std::to_string(static_cast<int>(result_)) + ' ' + std::to_string(static_cast<int>(etag_));
    if (!envelope_) mark += " bare";
    if (page_) mark.append(1, '\0').append(page_->mark());
    return mark;
}

Response own_response(KeptAnswer answer) {
    Response response;
    response.status = answer.status;
    if (!answer.body) return response;
    set_content(response, std::move(*answer.body));
    response.headers.add("Cache-Control", "no-store");
    return response;
}

}  // namespace sluice::endpoints

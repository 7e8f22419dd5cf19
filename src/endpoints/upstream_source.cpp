#include "endpoints/upstream_source.hpp"

#include "cache/etag.hpp"
#include "endpoints/by_turns.hpp"
#include "endpoints/representation.hpp"
#include "endpoints/upstream_caller.hpp"
#include "policy/percent_encoding.hpp"
#include "runtime/on_lane.hpp"
#include "sql/reserved_names.hpp"
#include "telemetry/log.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <functional>

namespace sluice::endpoints {
namespace {

using std::chrono::seconds;
using Kind = UpstreamError::Kind;

/// JSON that is looked at in one turn of the loop.
constexpr std::size_t read_at_once = std::size_t{64} * 1024;

Problem not_now(std::string_view detail, seconds retry_after = seconds{1}) {
    auto problem = Problem::of(503, std::string{detail});
    problem.retry_after = retry_after;
    return problem;
}

Problem unusable() { return Problem::of(502, "The service behind this API gave no usable answer."); }

Problem problem_of(const UpstreamError& error) {
    switch (error.kind) {
        case Kind::unavailable:
            return not_now("The service behind this API cannot be asked now.",
                           std::max(seconds{1}, std::chrono::ceil<seconds>(error.retry_after)));
        case Kind::overloaded:
            return not_now("The service behind this API is too busy now.");
        case Kind::refused:
            return not_now("The service behind this API cannot be reached now.");
        case Kind::timed_out:
            return Problem::of(504, "The service behind this API did not answer in time.");
        case Kind::invalid:
            return Problem::of(400, "A parameter's value cannot be passed on.");
        case Kind::untrusted:
        case Kind::reset:
        case Kind::cut_off:
        case Kind::not_http:
        case Kind::body_too_large:
            return unusable();
    }
    return unusable();
}

/// What a service that answers so cannot do now: a copy may stand in.
bool is_trouble(unsigned status) noexcept { return status >= 500 || status == 408 || status == 425 || status == 429; }

bool breaks_lines(std::string_view text) noexcept {
    return std::any_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

std::string mark_of(const UpstreamCall& call, const RouteSettings& route) {
    std::string mark = call.service + '\0' + call.path.text + '\0' + call.pick;
    for (const auto& field : call.query) mark.append(1, '\0').append(field.name).append(1, '=').append(field.value.text);
    for (const auto& field : call.headers) mark.append(1, '\0').append(field.name).append(1, ':').append(field.value.text);
    if (call.body) mark.append(1, '\0').append(call.body->text);
    mark.append(1, '\0').append(to_string(call.method.value_or(route.method)));
    mark += route.envelope.value_or(true) ? 'e' : 'b';
    mark += route.etag == EtagMode::off ? '-' : 't';
    return mark;
}

}  // namespace

UpstreamSource::UpstreamSource(const RouteSettings& route, const UpstreamCall& call, std::span<const NamedValue> names,
                               Parts parts)
    : route_{std::string{to_string(route.method)} + " " + route.pattern},
      service_name_{call.service},
      method_{call.method.value_or(route.method)},
      passes_body_{!call.body && route.body_schema && method_ != Method::get},
      path_{call.path.text, names},
      body_value_{names.size() - sql::reserved_names.size()},
      pick_{call.pick},
      status_{route.status},
      envelope_{route.envelope.value_or(true)},
      with_etag_{route.etag != EtagMode::off},
      mark_{mark_of(call, route)},
      parts_{std::move(parts)} {
    for (const auto& field : call.query) query_.push_back({field.name, FilledText{field.value.text, names}});
    for (const auto& field : call.headers) headers_.push_back({field.name, FilledText{field.value.text, names}});
    if (call.body) body_.emplace(call.body->text, names);
}

std::string UpstreamSource::mark() const { return mark_; }

std::variant<UpstreamRequest, Problem> UpstreamSource::request(const Exchange& exchange, ValueList values) const {
    auto target = fill_path(path_, values);
    if (!target) return Problem::of(400, "A parameter's value cannot stand in a path.");
    UpstreamRequest request;
    char separator = target->find('?') == target->npos ? '?' : '&';
    for (const auto& [name, value] : query_) {
        const auto text = value.fill(values, policy::append_as_component);
        if (!text) continue;
        *target += std::exchange(separator, '&');
        policy::append_as_component(*target, name);
        target->append(1, '=').append(*text);
    }
    request.method = to_string(method_);
    request.target = std::move(*target);
    for (const auto& [name, value] : headers_) {
        auto text = value.fill(values, append_as_it_is);
        if (!text) continue;
        if (breaks_lines(*text)) return Problem::of(400, "A parameter's value cannot stand in a header field.");
        request.own.emplace_back(name, std::move(*text));
    }
    request.own.emplace_back("Accept", "application/json");
    if (body_ || passes_body_) {
        request.body = body_ ? body_->fill(values) : values[body_value_].value_or("");
        request.own.emplace_back("Content-Type", "application/json");
    }
    if (const auto key = exchange.request.header("Idempotency-Key"); key && method_ != Method::get) {
        request.own.emplace_back("Idempotency-Key", std::string{*key});
        request.keyed = true;
    }
    request.caller = caller_of(exchange);
    return request;
}

awaitable<cache::LoadResult> UpstreamSource::load(UpstreamRequest request, Executor executor, Deadline deadline) const {
    auto held = parts_.in_flight->before_fetch();
    if (held.has_error()) co_return failure(not_now("Too many large requests and answers are in flight."), {}, true);
    auto answer = co_await parts_.service->fetch(std::move(request), parts_.max_answer, deadline);
    if (answer.has_error()) co_return failure_of(answer.error());
    held = parts_.in_flight->fetched(std::move(*held), answer->body.size());
    if (held.has_error()) co_return failure(not_now("Too many large requests and answers are in flight."), {}, true);
    const auto status = answer->head.status;
    cache::Loaded loaded;
    loaded.memory = std::move(*held);
    loaded.status = status_;
    if (status == 404 || status == 410) co_return loaded;
    if (status < 200 || status >= 300) co_return failure_of_status(status);
    auto picked = co_await pick(std::move(answer->body), executor, deadline);
    if (auto* wrong = std::get_if<cache::Failure>(&picked)) co_return std::move(*wrong);
    loaded.found = true;
    if (envelope_)
        loaded.body = co_await join_by_turns("{\"data\":", std::get<std::string>(picked), "}");
    else
        loaded.body = std::move(std::get<std::string>(picked));
    if (with_etag_) loaded.etag = co_await cache::strong_etag_by_turns(loaded.body);
    co_return loaded;
}

std::optional<std::string> UpstreamSource::picked(std::string_view body) const {
    if (body.empty()) return "null";  // a 204, or as good as one
    if (!json::is_json(body)) return std::nullopt;
    const auto found = pick_.find(body);
    return found ? std::optional{std::string{*found}} : std::nullopt;
}

awaitable<UpstreamSource::Picked> UpstreamSource::pick(std::string body, Executor executor, Deadline deadline) const {
    std::optional<std::string> found;
    if (body.size() <= read_at_once || parts_.lane == nullptr) {
        found = picked(body);
    } else {
        std::function<std::optional<std::string>()> work = [self = shared_from_this(), body = std::move(body)] {
            return self->picked(body);
        };
        auto done = co_await runtime::on_lane<std::optional<std::string>>(*parts_.lane, executor, deadline, std::move(work));
        if (!done && done.error() == runtime::LaneError::full)
            co_return failure(not_now("Too many large answers wait to be read."), {}, true);
        if (!done) co_return failure_of({Kind::timed_out, "the deadline passed while its answer was read"});
        found = std::move(*done);
    }
    if (!found) co_return failure(unusable(), "its answer is no JSON, or has nothing where 'pick' leads", true);
    co_return std::move(*found);
}

cache::Failure UpstreamSource::failure_of(const UpstreamError& error) const {
    return failure(problem_of(error), {}, error.kind != Kind::invalid);  // the client of the service has told the log
}

cache::Failure UpstreamSource::failure_of_status(unsigned status) const {
    auto problem = unusable();
    if (status == 503 || status == 429) problem = not_now("The service behind this API cannot answer now.");
    if (status == 504) problem = Problem::of(504, "The service behind this API did not answer in time.");
    return failure(std::move(problem), "it answered " + std::to_string(status), is_trouble(status));
}

cache::Failure UpstreamSource::failure(Problem problem, std::string reason, bool may_stand_in) const {
    cache::Failure failure;
    failure.may_stand_in = may_stand_in;
    failure.answer = [self = shared_from_this(), problem = std::move(problem),
                      reason = std::move(reason)](const Exchange& exchange) {
        // It was cancelled, whatever came of that; the pipeline knows what it means.
        if (exchange.client_gone) throw boost::system::system_error{boost::asio::error::operation_aborted};
        if (!reason.empty()) self->log_failure(exchange, reason);
        return to_response(problem, exchange.request_id);
    };
    return failure;
}

void UpstreamSource::log_failure(const Exchange& exchange, const std::string& reason) const {
    // While a service is wrong every request meets the same, and the access log has each of them.
    const auto left_out = log_.pass(Clock::now());
    if (!left_out) return;
    log::error("upstream_answer_unusable", {{"route", route_},
                                            {"upstream", service_name_},
                                            {"request_id", exchange.request_id},
                                            {"reason", reason},
                                            {"left_out", *left_out}});
}

}  // namespace sluice::endpoints

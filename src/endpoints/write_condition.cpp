#include "endpoints/write_condition.hpp"

#include "endpoints/parameter_binding.hpp"
#include "policy/preconditions.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::endpoints {
namespace {

using policy::ConditionForm;
using policy::Judgement;

/// Copies: they are judged on another thread, by when the request may be gone.
struct Field {
    std::string name;
    std::string value;
};
using Fields = std::vector<Field>;

Judgement judge(Method method, const Fields& fields, const policy::CurrentState& current) {
    std::vector<HeaderField> views;
    views.reserve(fields.size());
    for (const auto& [name, value] : fields) views.push_back({name, value});
    return policy::judge_preconditions(method, views, current);
}

// Each once, as repeated ones are one list.
Fields preconditions_of(const Request& request) {
    Fields fields;
    for (const auto& [name, value] : request.headers) {
        if (!policy::is_precondition(name)) continue;
        const auto same = [&](const Field& field) { return equal_ignoring_case(field.name, name); };
        const auto before = std::find_if(fields.begin(), fields.end(), same);
        if (before == fields.end()) {
            fields.push_back({std::string{name}, std::string{value}});
        } else {
            before->value.append(", ").append(value);
        }
    }
    return fields;
}

Problem refusal(std::string detail, std::vector<InputError> errors) {
    return {400, std::move(detail), std::move(errors), std::nullopt};
}

/// What misses for reading the resource. Whoever may not read it must not find out by tags what it holds.
std::optional<Problem> unreadable(const Identity& identity, const RouteOptions& options) {
    if (options.auth == AuthMode::required && identity.kind == Identity::Kind::anonymous) {
        return Problem::of(403, "A condition on an ETag needs the credential that reading it needs.");
    }
    for (const auto& scope : options.scopes) {
        if (identity.has_scope(scope)) continue;
        return Problem::of(403, "A condition on an ETag needs the scope '" + scope + "', as reading it does.");
    }
    return std::nullopt;
}

/// The problem: it could not be looked at.
awaitable<std::optional<Problem>> read_as_shown(const Exchange& exchange, const ShownState& shown,
                                                runtime::BlockingLane* lane, Query& read, std::vector<InputError>& errors) {
    read.statement = shown.statements.front();
    read.values.resize(shown.parameter_count);
    if (auto refused =
            co_await bind_parameters(shown.parameters, lane, exchange, read.values, errors, Parameters::Unknown::ignored)) {
        co_return refused;
    }
    bind_caller(exchange.identity, read.values);
    if (!errors.empty()) co_return std::nullopt;
    if (const auto* page = shown.representation.page()) {
        page->settle_order(read.values);
        read.page = page->position(read.values);
        read.statement = shown.statements.at(page->order(read.values));
        if (!read.page) errors.push_back({"query", "cursor", "must be the 'next' of an answer to this path"});
    }
    co_return std::nullopt;
}

}  // namespace

Problem precondition_failed() { return Problem::of(412, "What is there now is not what the request's condition asks for."); }

awaitable<std::variant<std::shared_ptr<const Condition>, Problem>> write_condition(const Exchange& exchange,
                                                                                   PreconditionMode mode,
                                                                                   const ShownState* shown,
                                                                                   runtime::BlockingLane* lane) {
    auto fields = preconditions_of(exchange.request);
    if (fields.empty()) {
        if (mode == PreconditionMode::optional) co_return nullptr;
        co_return Problem::of(428, "This needs a condition: send If-Match with the ETag that a GET of this path answered.");
    }
    std::vector<InputError> errors;
    bool names_tags = false;
    for (const auto& [name, value] : fields) {
        const auto form = policy::form_of_condition(value);
        names_tags = names_tags || form == ConditionForm::tags;
        if (form != ConditionForm::malformed) continue;
        errors.push_back({"header", name, R"(must be * or a list of entity tags such as "5d41402a")"});
    }
    if (!errors.empty()) co_return refusal("The request's condition is not acceptable.", std::move(errors));

    const auto method = exchange.request.method;
    if (shown == nullptr) {
        if (judge(method, fields, {}) == Judgement::perform) co_return nullptr;
        co_return precondition_failed();
    }
    if (names_tags) {
        if (auto problem = unreadable(exchange.identity, shown->options)) co_return std::move(*problem);
    }
    auto condition = std::make_shared<Condition>();
    if (auto refused = co_await read_as_shown(exchange, *shown, lane, condition->read, errors))
        co_return std::move(*refused);
    if (!errors.empty()) {
        co_return refusal("The condition cannot be judged: a GET of this path with these parameters is not acceptable.",
                          std::move(errors));
    }
    // The route lives as long as the server.
    condition->holds = [&representation = shown->representation, fields = std::move(fields), method, names_tags,
                        values = condition->read.values](const QueryResult& result) {
        if (representation.status(result) == 404) return judge(method, fields, {}) == Judgement::perform;
        std::string etag;
        if (names_tags) etag = representation.etag(result, representation.body(result, values));
        return judge(method, fields, {true, etag}) == Judgement::perform;
    };
    co_return condition;
}

}  // namespace sluice::endpoints

#include "endpoints/database_problem.hpp"

#include "endpoints/write_condition.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace sluice::endpoints {
namespace {

using std::chrono::seconds;

constexpr std::string_view our_fault = "An error on our side; it has been logged.";
constexpr std::string_view not_now = "The database cannot answer now.";

Problem unavailable(std::string detail) {
    Problem problem = Problem::of(503, std::move(detail));
    problem.retry_after = seconds{1};
    return problem;
}

enum class When {
    always,
    by_value,   // a value of the request caused it; else it is ours
    on_values,  // likewise, and nothing points at a place in the SQL
    by_policy,  // a policy or a function refused it, not a missing right
};

struct Rule {
    std::string_view state;  // or its beginning
    unsigned status;
    std::string_view detail;
    When when = When::always;
};

/// PostgreSQL 15, appendix A. The longest beginning counts; what is not here is our fault.
constexpr std::array rules_of_states{
    Rule{"08", 503, "A server that the database asks cannot be reached now."},  // of a foreign table
    Rule{"21000", 422, "The body has one row twice.", When::by_value},          // cardinality_violation
    Rule{"22", 400, "A parameter's value is not acceptable.", When::by_value},
    Rule{"2200H", 500, our_fault},  // sequence_generator_limit_exceeded
    Rule{"23", 422, "A value is not acceptable."},
    Rule{"23001", 409, "It is still referred to."},
    Rule{"23502", 422, "A value that is needed is missing."},
    Rule{"23503", 422, "It refers to something that does not exist, or is still referred to."},
    Rule{"23505", 409, "It conflicts with what is stored already."},
    Rule{"23514", 422, "A value is outside of what is allowed."},
    Rule{"23P01", 409, "It conflicts with what is stored already."},
    Rule{"28", 403, "The database does not allow it.", When::by_policy},
    Rule{"40", 503, "Too many changes at once; try again."},
    Rule{"40002", 409, "It conflicts with what is stored already."},
    Rule{"40003", 504, "The database did not say whether the change was made."},
    Rule{"42501", 403, "The database does not allow it.", When::by_policy},
    Rule{"42601", 400, "A parameter's value is not acceptable.", When::on_values},  // e.g. of to_tsquery
    Rule{"42602", 400, "A parameter's value is not acceptable.", When::on_values},  // e.g. of a regclass
    Rule{"44000", 422, "A value is outside of what is allowed."},                   // with_check_option_violation
    Rule{"53", 503, not_now},
    Rule{"55006", 409, "It is in use."},
    Rule{"55P03", 503, "It is locked by another request; try again."},
    Rule{"57", 503, not_now},
    Rule{"57014", 504, "The database did not answer in time."},
    Rule{"HV", 502, "A server that the database asks answered with an error."},
    Rule{"HV00N", 503, "A server that the database asks cannot be reached now."},
    Rule{"P0001", 422, "The database refused it."},  // raise exception
    Rule{"P0002", 404, "There is no such row."},     // raise no_data_found
};

const Rule* rule_of(std::string_view state) {
    const Rule* best = nullptr;
    for (const auto& rule : rules_of_states) {
        if (state.starts_with(rule.state) && (best == nullptr || rule.state.size() > best->state.size())) best = &rule;
    }
    return best;
}

// ExecWithCheckOptions checks the policies of row level security.
bool holds(const Rule& rule, const DatabaseError& error, InputSource source) {
    const bool raised = error.fields && error.fields->raised();
    switch (rule.when) {
        case When::always:
            return true;
        case When::by_value:
            // That a statement of ours has two rows for one value, and what a function says, is nobody's value.
            if (rule.state == "21000") return error.fields && error.fields->routine == "ExecOnConflictUpdate";
            return raised || source != InputSource::nothing;
        case When::on_values:
            return error.fields && !error.fields->has_place && source != InputSource::nothing;
        case When::by_policy:
            return raised || (error.fields && error.fields->routine == "ExecWithCheckOptions");
    }
    return false;
}

void name_what_refused(Problem& problem, const DatabaseError& error) {
    if (!error.fields || (problem.status != 409 && problem.status != 422)) return;
    if (!error.fields->constraint.empty()) {
        problem.errors.push_back({"constraint", error.fields->constraint, "is violated"});
    } else if (!error.fields->column.empty()) {
        problem.errors.push_back({"column", error.fields->column, "has no acceptable value"});
    }
}

Problem rejected(const DatabaseError& error, InputSource source) {
    const auto* rule = rule_of(error.sqlstate);
    if (rule == nullptr || !holds(*rule, error, source)) return Problem::of(500, std::string{our_fault});
    auto problem = Problem::of(rule->status, std::string{rule->detail});
    if (rule->status == 400 && source == InputSource::body)
        problem = Problem::of(422, "A value in the body is not acceptable.");
    if (rule->status == 503) problem.retry_after = seconds{1};
    name_what_refused(problem, error);
    return problem;
}

std::string hint_member(const std::string& hint) {
    if (hint.empty()) return {};
    const auto parsed = nlohmann::json::parse(hint, nullptr, false);
    return parsed.is_object() ? hint : nlohmann::json{{"hint", hint}}.dump();
}

std::optional<unsigned> status_in(std::string_view state) {
    if (!state.starts_with("PT")) return std::nullopt;
    unsigned status = 0;
    const auto* end = state.data() + state.size();
    const bool whole = std::from_chars(state.data() + 2, end, status).ptr == end;
    return whole && status >= 400 && status <= 599 ? std::optional{status} : std::nullopt;
}

/// By `raise sqlstate 'PTnnn'`.
std::optional<Problem> decided_by_function(const DatabaseError& error) {
    const auto status = status_in(error.sqlstate);
    if (!status) return std::nullopt;
    auto problem = Problem::of(*status, error.fields ? error.fields->detail : "");
    if (*status == 503 || *status == 429) problem.retry_after = seconds{1};
    if (!error.fields) return problem;
    problem.title = error.fields->message;
    problem.members = hint_member(error.fields->hint);
    return problem;
}

Problem by_rules(const DatabaseError& error, InputSource source, const ErrorRules& rules) {
    if (auto problem = decided_by_function(error)) return std::move(*problem);
    auto mapped = rules.statuses.find(error.sqlstate);
    if (mapped == rules.statuses.end()) mapped = rules.statuses.find(std::string_view{error.sqlstate}.substr(0, 2));
    auto problem = rejected(error, source);
    if (mapped != rules.statuses.end() && mapped->second != problem.status) {
        problem = Problem::of(mapped->second, "The database refused it.");
        if (mapped->second == 503) problem.retry_after = seconds{1};
        name_what_refused(problem, error);
    }
    const bool own_words = error.sqlstate == "P0001" || mapped != rules.statuses.end();
    if (rules.messages.value_or(false) && own_words && error.fields && error.fields->raised()) {
        problem.detail = error.fields->message;
        problem.members = hint_member(error.fields->hint);
    }
    return problem;
}

}  // namespace

bool may_stand_in(const DatabaseError& error) noexcept {
    if (error.kind == DatabaseError::Kind::too_large) return false;
    if (error.kind != DatabaseError::Kind::rejected) return true;
    // The server's trouble, or that of a server which it asks, not the request's: connection exception, conflicts with
    // others, insufficient resources, a lock that is held, operator intervention, system error, foreign data wrapper,
    // internal error.
    constexpr std::array<std::string_view, 8> troubles{"08", "40", "53", "55P03", "57", "58", "HV", "XX"};
    return std::any_of(troubles.begin(), troubles.end(), [&](auto state) { return error.sqlstate.starts_with(state); });
}

Problem to_problem(const DatabaseError& error, InputSource source, const ErrorRules& rules) {
    switch (error.kind) {
        case DatabaseError::Kind::unavailable:
            return unavailable("The database cannot be reached now.");
        case DatabaseError::Kind::overloaded:
            return unavailable("The database is too busy now.");
        case DatabaseError::Kind::timed_out:
            return Problem::of(504, "The database did not answer in time.");
        case DatabaseError::Kind::outcome_unknown:
            // No Retry-After: who repeats it blindly may do it twice.
            return Problem::of(504, "The database was lost while it was making the change: it may or may not be made.");
        case DatabaseError::Kind::rejected:
            return by_rules(error, source, rules);
        case DatabaseError::Kind::too_large:
            // Not 413 or 507: the request is as the route allows it, and what is short is what this API was told to answer.
            return Problem::of(500, "The answer would be larger than this API gives; ask for less, for example a page.");
        case DatabaseError::Kind::no_memory:
            return unavailable("Too many large requests and answers are in flight.");
        case DatabaseError::Kind::in_flight: {
            auto problem = Problem::of(409, "A request with this Idempotency-Key is in flight.");
            problem.retry_after = seconds{1};
            return problem;
        }
        case DatabaseError::Kind::other_payload:
            return Problem::of(422, "This Idempotency-Key was used for another request: its path, query or body differed.");
        case DatabaseError::Kind::precondition_failed:
            return precondition_failed();
        case DatabaseError::Kind::keys_not_kept:
            return unavailable("Idempotency keys cannot be kept at the moment; nothing was done.");
    }
    return Problem::of(500, std::string{our_fault});
}

}  // namespace sluice::endpoints

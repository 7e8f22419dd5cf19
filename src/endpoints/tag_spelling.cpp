#include "endpoints/tag_spelling.hpp"

#include "postgres/connection/parameter_types.hpp"
#include "sql/statement.hpp"

#include <utility>

namespace sluice::endpoints {
namespace {

/// A text is no value of its type, which fails the route's own statement as well.
bool refuses_values(const DatabaseError& error) {
    return error.kind == DatabaseError::Kind::rejected && error.sqlstate.starts_with("22");
}

/// Those of the schema `sluice` that spell values; or the type is gone, so that no column has it.
bool lacks_functions(const DatabaseError& error) {
    return error.kind == DatabaseError::Kind::rejected &&
           (error.sqlstate.starts_with("42") || error.sqlstate.starts_with("3F"));
}

}  // namespace

TagSpelling::TagSpelling(const RouteTags& tags, std::string route, Database& database, const TagTypes* learned)
    : tags_{tags}, route_{std::move(route)}, database_{database}, learned_{learned} {
    if (!tags_.constant()) statement_ = database_.add(postgres::tag_value_statement(route_ + " (tags)"));
}

/// Empty: there is no answer. `why`: it is needed.
awaitable<std::string> TagSpelling::ask(const RouteTags::Spelled& spelled, std::optional<DatabaseError>& why,
                                        Deadline deadline) const {
    constexpr Duration ask_again = std::chrono::seconds{5};
    if (Clock::now().time_since_epoch().count() < ask_from_.load(std::memory_order_relaxed)) co_return "";
    std::vector<std::string> texts;
    std::vector<std::string> types;
    for (const auto& question : spelled.open) {
        texts.push_back(question.text);
        types.push_back(std::to_string(question.type));
    }
    Query query;
    query.statement = statement_;
    query.values = {sql::array_literal(texts), sql::array_literal(types)};
    auto result = co_await database_.run(std::move(query), deadline);
    if (result.has_value()) co_return std::move(result->json);
    const auto& error = result.error();
    if (lacks_functions(error)) {
        const auto from = Clock::now() + ask_again;
        ask_from_.store(from.time_since_epoch().count(), std::memory_order_relaxed);
    } else if (!refuses_values(error)) {
        why = error;
    }
    co_return "";
}

awaitable<TagSpelling::Spelled> TagSpelling::spell(std::vector<std::optional<std::string>> values, Deadline deadline) const {
    const auto learned = learned_ != nullptr ? learned_->of(route_) : nullptr;
    auto spelled = tags_.spell(values, learned.get());
    Spelled done;
    if (!spelled.open.empty()) {
        const auto json = co_await ask(spelled, done.unspelled, deadline);
        answer(spelled, json);
    }
    done.values = std::move(spelled.parameters);
    co_return done;
}

}  // namespace sluice::endpoints

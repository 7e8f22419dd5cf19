#include "postgres/read_statement.hpp"

#include "postgres/snapshot_text.hpp"
#include "postgres/statement_name.hpp"

#include <utility>

namespace sluice::postgres {

std::string prepared_name(StatementId id, std::string_view text, std::span<const unsigned> types) {
    return statement_name(text, types, std::to_string(id));
}

Row arguments(const Statement& statement, const Query& query) {
    Row values;
    values.reserve(statement.argument_count() + statement.page_argument_count(step_to(query.page)));
    for (std::size_t k = 1; k <= statement.argument_count(); ++k) values.push_back(query.values[statement.parameter_of(k)]);
    if (statement.spec().page_by.empty()) return values;
    const auto& page = query.page.value();
    values.push_back(std::to_string(page.limit));
    values.insert(values.end(), page.after.begin(), page.after.end());
    return values;
}

QueryResult take_result(const StatementSpec& spec, Rows& rows) {
    QueryResult result;
    if (spec.result == ResultShape::none || rows.empty() || rows.front().empty() || !rows.front().front()) return result;
    result.json = std::move(*rows.front().front());
    result.found = true;
    if (!spec.page_by.empty()) result.last_key = std::move(rows.front().back());
    return result;
}

std::optional<Label> LabelSource::label(const Value& snapshot) const {
    if (kind == Kind::replayed) return replayed;
    if (kind == Kind::none || !snapshot) return std::nullopt;
    return Label{history, parse_snapshot(*snapshot).shortened(Label::most_running)};
}

QueryResult take_labelled_result(const StatementSpec& spec, Rows& rows, const LabelSource& labels) {
    auto result = take_result(spec, rows);
    result.label = labels.label(rows.at(0).at(1));
    return result;
}

bool learn_hint(const SqlError& error, const Statement& statement, Statement::Hints& hints) {
    if (error.sqlstate() != "42P18" && error.sqlstate() != "42P08") return false;
    const auto k = parameter_in_message(error.what());
    return k && *k <= statement.argument_count() && hints.insert(*k).second;
}

}  // namespace sluice::postgres

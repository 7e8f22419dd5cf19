#include "postgres/connection/read_statement.hpp"

#include "postgres/connection/snapshot_text.hpp"
#include "postgres/connection/statement_name.hpp"

#include <utility>

namespace sluice::postgres {

std::string prepared_name(std::uint64_t id, std::string_view text, std::span<const unsigned> types) {
    return statement_name(text, types, std::to_string(id));
}

Row arguments(const sql::Statement& statement, const sql::Statement::Hints& hints, const Query& query) {
    Row values;
    const auto count = statement.argument_count(hints);
    values.reserve(count + statement.page_argument_count(sql::step_to(query.page)));
    for (std::size_t k = 1; k <= count; ++k) values.push_back(query.values[statement.parameter_of(k, hints)]);
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

namespace {

// grouping_error, invalid_column_reference ("must appear in select list"), ambiguous_function.
bool asks_to_share(std::string_view state) noexcept { return state == "42803" || state == "42P10" || state == "42725"; }

// ambiguous_parameter, undefined_function, ambiguous_function, datatype_mismatch, cannot_coerce.
bool types_clash(std::string_view state) noexcept {
    return state == "42P08" || state == "42883" || state == "42725" || state == "42804" || state == "42846";
}

}  // namespace

std::size_t byte_at(std::string_view text, std::size_t place) noexcept {
    std::size_t at = 0;
    for (; at < text.size() && place > 1; --place) {
        for (++at; at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;) ++at;
    }
    return at;
}

bool learn_hint(const Refusal& refusal, const sql::Rendered& sent, const sql::Statement& statement,
                sql::Statement::Hints& hints) {
    // What a function runs by itself has no place in the text.
    if (refusal.place > 0 && asks_to_share(refusal.sqlstate) && statement.share(hints)) return true;
    if (refusal.place > 0 && types_clash(refusal.sqlstate)) {
        if (statement.part(hints, sent.source_offset(byte_at(sent.text, refusal.place)))) return true;
    }
    if (refusal.sqlstate != "42P18" && refusal.sqlstate != "42P08") return false;
    const auto k = sql::parameter_in_message(refusal.message);
    return k && *k <= statement.argument_count(hints) && hints.declared.insert(*k).second;
}

bool learn_hint(const SqlError& error, const sql::Rendered& sent, const sql::Statement& statement,
                sql::Statement::Hints& hints) {
    return learn_hint({error.sqlstate(), error.what(), error.fields() ? error.fields()->place : 0}, sent, statement, hints);
}

}  // namespace sluice::postgres

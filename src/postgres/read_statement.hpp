// What a query's name, values and rows have to do with its statement, whoever runs it. Pure.
#pragma once

#include "postgres/connection.hpp"
#include "postgres/statement.hpp"
#include "sluice/ports/database.hpp"

#include <charconv>
#include <string>

namespace sluice::postgres {

/// An integer as PostgreSQL writes it; NULL is 0.
template <class Integer>
Integer number(const Value& text) {
    Integer value = 0;
    if (text) std::from_chars(text->data(), text->data() + text->size(), value);
    return value;
}

/// Of the text that is prepared, one for each step and with or without a label.
std::string prepared_name(StatementId id, PageStep step, bool labelled);

/// The values of `$1`, `$2`, …, without the tags that a labelled text takes last.
Row arguments(const Statement& statement, const Query& query);

/// The JSON of the first column of the first row, if there is one.
QueryResult take_result(const StatementSpec& spec, Rows& rows);

/// The label in the columns from this one on.
Label label_in(const Row& row, std::size_t column);

/// Of a labelled text.
QueryResult take_labelled_result(const StatementSpec& spec, Rows& rows);

/// PostgreSQL could not infer a parameter's type: whether the text may be prepared when that has the declared one, which is
/// then among the hints.
bool learn_hint(const SqlError& error, const Statement& statement, Statement::Hints& hints);

}  // namespace sluice::postgres

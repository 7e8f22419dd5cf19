// What a query's name, values and rows have to do with its statement, whoever runs it. Pure.
#pragma once

#include "postgres/connection.hpp"
#include "postgres/statement.hpp"
#include "sluice/ports/database.hpp"

#include <charconv>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice::postgres {

/// An integer as PostgreSQL writes it; NULL is 0.
template <class Integer>
Integer number(const Value& text) {
    Integer value = 0;
    if (text) std::from_chars(text->data(), text->data() + text->size(), value);
    return value;
}

/// The text's name on a connection, which has it once for each statement that is written the same.
std::string prepared_name(StatementId id, std::string_view text, std::span<const unsigned> types = {});

/// The values of `$1`, `$2`, ….
Row arguments(const Statement& statement, const Query& query);

/// The JSON of the first column of the first row, if there is one.
QueryResult take_result(const StatementSpec& spec, Rows& rows);

/// Where the labels of a session's reads come from.
struct LabelSource {
    enum class Kind {
        none,      // nothing is known of the server, or it keeps no invalidations
        snapshot,  // the statement's own, on the primary
        replayed,  // a standby said how far it was before the statement was begun
    };
    Kind kind = Kind::none;
    HistoryId history = 0;                         ///< of the session
    std::optional<Label> replayed = std::nullopt;  ///< for how far it was; nothing: no poll is so old

    /// For what was read with this column.
    std::optional<Label> label(const Value& snapshot) const;
};

/// Of a labelled text.
QueryResult take_labelled_result(const StatementSpec& spec, Rows& rows, const LabelSource& labels);

/// PostgreSQL could not infer a parameter's type: whether the text may be prepared when that has the declared one, which is
/// then among the hints.
bool learn_hint(const SqlError& error, const Statement& statement, Statement::Hints& hints);

}  // namespace sluice::postgres

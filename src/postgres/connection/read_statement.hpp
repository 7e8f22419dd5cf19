// What a query's name, values and rows have to do with its statement, whoever runs it. Pure.
#pragma once

#include "postgres/connection/connection.hpp"
#include "sluice/ports/database.hpp"
#include "sql/statement.hpp"

#include <charconv>
#include <cstdint>
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

/// The text's name on a connection, which has it once for each statement that is written the same. `id`: its number.
std::string prepared_name(std::uint64_t id, std::string_view text, std::span<const unsigned> types = {});

/// The values of `$1`, `$2`, … of the text that these hints make.
Row arguments(const sql::Statement& statement, const sql::Statement::Hints& hints, const Query& query);

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

/// Why PostgreSQL refused a text that was sent.
struct Refusal {
    std::string_view sqlstate;
    std::string_view message;
    std::size_t place = 0;  ///< in the text: characters from 1; 0: not known
};
/// Whether another text may be prepared, which the hints then make. PostgreSQL could not infer a parameter's type: it gets
/// the declared one. Or it did not see that expressions are one since each of their parameters has a number of its own:
/// those of one name share a number, but for those whose type it then finds to be another.
bool learn_hint(const Refusal& refusal, const sql::Rendered& sent, const sql::Statement& statement,
                sql::Statement::Hints& hints);
bool learn_hint(const SqlError& error, const sql::Rendered& sent, const sql::Statement& statement,
                sql::Statement::Hints& hints);
/// The byte at which character `place` begins, from 1; the text's end if it is shorter.
std::size_t byte_at(std::string_view text, std::size_t place) noexcept;

}  // namespace sluice::postgres

// Calls of one statement that are asked at once, as one: its values and what becomes of its rows. Pure.
#pragma once

#include "postgres/connection/connection.hpp"
#include "postgres/connection/read_statement.hpp"
#include "sluice/ports/database.hpp"
#include "sql/statement.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sluice::postgres {

using Calls = std::span<const std::shared_ptr<const Query>>;

/// Asks for the types that the collapsed text is prepared with, of a statement that is prepared on the connection by that
/// name. A row for each parameter: its array's type, or null if no array holds its values so that they come out again, as
/// an array of arrays does not.
std::string array_types_query(std::string_view prepared_name);

/// Oids, by `$k`.
using ArrayTypes = std::vector<unsigned>;
/// Nothing: calls of the statement cannot be collapsed.
std::optional<ArrayTypes> array_types(const sql::Statement& statement, const sql::Statement::Hints& hints, const Rows& rows);

/// The values of the collapsed text.
Row collapsed_arguments(const sql::Statement& statement, const sql::Statement::Hints& hints, Calls calls);

/// The result of each call; nothing if the rows are not those of so many calls.
std::optional<std::vector<QueryResult>> take_collapsed(const StatementSpec& spec, Rows& rows, std::size_t calls,
                                                       const LabelSource& labels);

}  // namespace sluice::postgres

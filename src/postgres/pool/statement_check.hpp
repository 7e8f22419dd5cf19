// Asks PostgreSQL what it thinks of the configured statements before anyone calls them. Blocking.
#pragma once

#include "sluice/ports/database.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sluice::postgres {

/// Why a statement cannot be served. For the operator: it may quote PostgreSQL.
struct StatementProblem {
    std::size_t index = 0;  ///< in the span that was checked
    std::string message;
    std::optional<std::size_t> offset;           ///< byte in StatementSpec::sql it is about
    std::optional<std::size_t> sort_column{};    ///< index in StatementSpec::page_by, if it is about that
    std::optional<std::size_t> needed_column{};  ///< index in StatementSpec::needed_columns, if that is missing
};

/// Prepares every statement on the primary as it will be prepared when served, on one read-only connection, and compares
/// the types of its parameters with the declared ones. Reads that modify or lock rows are refused. Nothing is executed.
/// Throws ConnectionLost if the server cannot be asked: that is no verdict on any statement.
std::vector<StatementProblem> check_statements(const std::string& url, std::span<const StatementSpec> statements);

}  // namespace sluice::postgres

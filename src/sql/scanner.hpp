// Finds the `:name` parameters in a user's SQL the way PostgreSQL's own lexer would see the rest of the text.
// Pure: no connection, no parsing beyond tokens.
#pragma once

#include <boost/system/result.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::sql {

/// A statement ready to be prepared.
struct ScannedSql {
    std::string text;  ///< `:name` replaced by `$1`, `$2`, …: one number per occurrence, so that each gets its own type
    std::vector<std::string> occurrences;  ///< the name behind `$k` at index k-1
    std::vector<std::size_t> offsets;      ///< byte offset of each occurrence's colon in the source, for messages
};

struct SqlScanError {
    std::string message;
    std::size_t offset = 0;  ///< byte offset in the source
};

/// Makes `result<T, SqlScanError>::value()` throw std::invalid_argument with the message.
[[noreturn]] void throw_exception_from_error(const SqlScanError& error, const boost::source_location& location);

/// Scans one statement. A trailing `;` and the white space around the statement are dropped; everything else that is no
/// parameter stays byte for byte.
///
/// Not parameters: what stands in '…' (with ''), E'…' (with backslashes), U&'…', "…", $tag$…$tag$, `-- …` and nested
/// /* … */ comments; the cast `::name`; `:=`; and, inside `[…]`, a colon directly after a digit, a letter, `_`, `$`, `]`,
/// `)` or
/// `"`, which bounds an array slice (`a[1:n]`, `a[i:j]`). Any other colon before a letter starts a parameter: `a[:n]` and
/// `a[1::n]` are read as a parameter and a cast; write `a[1 : :n]` to bind the upper bound.
/// A name goes on behind a dot where it means a member of the body, `:body.address.city` and `:body."first name"`, or a
/// field of the request, `:header.x-tenant` (whose hyphens are followed by a letter or digit).
/// standard_conforming_strings is taken to be on, PostgreSQL's default.
///
/// Errors: an unterminated quote or comment, a positional `$1`, a second statement, an empty statement, NUL.
boost::system::result<ScannedSql, SqlScanError> scan_sql(std::string_view sql);

/// The first word of the statement in lower case, after white space, comments and opening parentheses; empty if there is
/// none.
std::string first_keyword(std::string_view sql);

/// A word, as PostgreSQL folds it; a sign; or `"` for a quoted name, `'` for a string, `:` for a parameter, `0` for a
/// number.
struct SqlToken {
    std::string text;
    std::size_t offset = 0;  ///< byte in the source
};
/// All but white space and comments; none if the statement cannot be scanned.
std::vector<SqlToken> sql_tokens(std::string_view sql);

/// All that may be the name of a table, a type, a function or whatever the catalog has: the statement's identifiers and key
/// words, folded as PostgreSQL folds them, in order. Nothing of strings, comments and parameters; none if the statement
/// cannot be scanned. What U&"…" escapes stays escaped.
std::vector<std::string> mentioned_names(std::string_view sql);

/// All that may be called as a function: the names before a parenthesis, as they stand and in lower case, in order. What
/// stands in strings and comments is not left out.
std::vector<std::string> called_names(std::string_view sql);

}  // namespace sluice::sql

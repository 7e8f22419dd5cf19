// Which types PostgreSQL infers for the parameters of statements: by them, not by its text, a value is spelled in a tag.
// Blocking.
#pragma once

#include "postgres/connection/watchdog.hpp"
#include "sluice/deadline.hpp"
#include "sluice/ports/database.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sluice::postgres {

/// How the values of a type are spelled in a tag.
enum class Spelling {
    text,     // as they are: text, varchar, enums
    number,   // the shortest decimal: smallint, integer, bigint, numeric
    padded,   // without the spaces at the end: char(n)
    uuid,     // in lower case, with hyphens
    boolean,  // true or false
    other,    // as PostgreSQL alone knows (see sluice.tag_read)
};

struct InferredType {
    Spelling spelling = Spelling::text;
    unsigned oid = 0;  ///< of the type, or of what a domain is made of

    friend bool operator==(const InferredType&, const InferredType&) = default;
};

/// In the order of StatementSpec::parameters, each type once. Of a parameter that the SQL does not name: none.
using ParameterTypes = std::vector<std::vector<InferredType>>;

/// Prepares the statements on one read-only connection and runs none. Nothing for those that PostgreSQL refuses. Throws
/// ConnectionLost, or SqlError if the server does not let us ask.
std::vector<std::optional<ParameterTypes>> infer_types(const std::string& url, std::span<const StatementSpec> statements,
                                                       Watchdog& watchdog, TimePoint limit);

/// What stands in a tag for a text that is bound to a parameter of the type; nothing: the text is no value of it. Throws
/// ConnectionLost, or SqlError if there is no function for it.
std::optional<std::string> read_tag_value(const std::string& url, const std::string& text, unsigned type);

/// The statement by which a database is asked for several at once: `:texts` and `:types`, arrays of equal length. Its rows
/// have one member `tag`, in their order.
StatementSpec tag_value_statement(std::string name);

}  // namespace sluice::postgres

// What PostgreSQL says of a route's statement, in words that fit the file in which the statement stands. Pure.
#pragma once

#include "sql/statement.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::postgres {

/// An error of the server's, as it tells it.
struct ServerWords {
    std::string sqlstate;
    std::string message;
    std::string detail;
    std::string hint;
};

struct RefusalWords {
    std::string message;
    std::optional<std::size_t>
        offset;  ///< byte of the user's SQL that it is about, if it is about another than the server's
};

/// Of the user's own statement. `$k` is told as its `:name`.
std::string in_users_words(const ServerWords& said, const sql::Statement& statement, const sql::Statement::Hints& hints);

/// Of one that is right by itself and cannot be served: what is wrapped around it is none of the user's concern.
/// `server_version`: as libpq has it.
RefusalWords why_not_served(const ServerWords& said, const sql::Statement& statement, const sql::Statement::Hints& hints,
                            int server_version);

/// What to add where the parameters of one name have to be one and cannot: they have several types. Empty: none has.
std::string why_not_shared(const sql::Statement& statement, const sql::Statement::Hints& hints);

/// The byte of the first of these words in the user's SQL.
std::optional<std::size_t> offset_of_word(std::string_view sql, std::initializer_list<std::string_view> words);

}  // namespace sluice::postgres

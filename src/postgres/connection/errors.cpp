#include "postgres/connection/errors.hpp"

#include "sql/statement.hpp"

#include <algorithm>

namespace sluice::postgres {

std::string one_line(std::string_view message) {
    while (!message.empty() && message.back() == '\n') message.remove_suffix(1);
    std::string line{message};
    std::replace(line.begin(), line.end(), '\n', ' ');
    return line;
}

bool says_no_room(const std::exception& error) noexcept {
    const auto* lost = dynamic_cast<const ConnectionLost*>(&error);
    if (lost == nullptr) return false;
    // too_many_connections; a pooler has no SQLSTATE for it
    return lost->sqlstate() == "53300" ||
           std::string_view{lost->what()}.find("no more connections allowed") != std::string_view::npos;
}

bool is_read_only(std::string_view sqlstate) noexcept { return sqlstate == "25006"; }

// "… FATAL:  53300: too many connections …", whatever the language is.
std::string_view state_in_message(std::string_view message) noexcept {
    constexpr std::string_view before = ":  ";
    constexpr std::size_t length = 5;
    const auto is_state = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); };
    for (auto at = message.find(before); at != message.npos; at = message.find(before, at + 1)) {
        const auto state = message.substr(at + before.size(), length);
        const auto behind = at + before.size() + length;
        if (state.size() == length && std::all_of(state.begin(), state.end(), is_state) && behind < message.size() &&
            message[behind] == ':')
            return state;
    }
    return {};
}

Verdict judge(std::string_view sqlstate) noexcept {
    if (sqlstate == "57014") return Verdict::timed_out;  // query_canceled: statement_timeout
    if (sqlstate == "40001" || sqlstate == "40P01") return Verdict::retry;
    if (sqlstate == "42P01" || sqlstate == "3F000" || sqlstate == "42501") return Verdict::no_bookkeeping;
    return Verdict::rejected;
}

bool outdates_text(std::string_view sqlstate) noexcept {
    // invalid_sql_statement_name, feature_not_supported ("cached plan must not change result type"), undefined_function,
    // datatype_mismatch
    return sqlstate == "26000" || sqlstate == "0A000" || sqlstate == "42883" || sqlstate == "42804";
}

bool may_come_of_outdated_types(std::string_view sqlstate) noexcept {
    // data_exception; what is not there or fits nothing; and "cache lookup failed", which is an internal error
    const bool about_rights = sqlstate == "42501";
    return (sqlstate.starts_with("22") || sqlstate.starts_with("42") || sqlstate == "XX000") && !about_rights;
}

DatabaseError to_database_error(const SqlError& error) {
    if (const auto bytes = sql::refused_size(error.sqlstate(), error.what())) {
        DatabaseError too_large{DatabaseError::Kind::too_large, error.sqlstate(), "the answer is larger than max_answer"};
        too_large.bytes = *bytes;
        return too_large;
    }
    switch (judge(error.sqlstate())) {
        case Verdict::timed_out:
            return {DatabaseError::Kind::timed_out, error.sqlstate(), error.what()};
        case Verdict::rejected:
        case Verdict::retry:
        case Verdict::no_bookkeeping:
            break;
    }
    return {DatabaseError::Kind::rejected, error.sqlstate(), error.what(), std::nullopt, error.fields()};
}

DatabaseError to_database_error(const ConnectionLost& error) {
    return {DatabaseError::Kind::unavailable, error.sqlstate(), error.what()};
}

}  // namespace sluice::postgres

#include "postgres/errors.hpp"

#include <algorithm>

namespace sluice::postgres {

std::string one_line(std::string_view message) {
    while (!message.empty() && message.back() == '\n') message.remove_suffix(1);
    std::string line{message};
    std::replace(line.begin(), line.end(), '\n', ' ');
    return line;
}

Verdict judge(std::string_view sqlstate) noexcept {
    if (sqlstate == "57014") return Verdict::timed_out;  // query_canceled: statement_timeout
    if (sqlstate == "40001" || sqlstate == "40P01") return Verdict::retry;
    if (sqlstate == "42P01" || sqlstate == "3F000" || sqlstate == "42501") return Verdict::no_bookkeeping;
    if (sqlstate.empty() || sqlstate.starts_with("08")) return Verdict::server_gone;
    // admin_shutdown, crash_shutdown, cannot_connect_now, idle_session_timeout
    if (sqlstate == "57P01" || sqlstate == "57P02" || sqlstate == "57P03" || sqlstate == "57P05")
        return Verdict::server_gone;
    if (sqlstate == "53300") return Verdict::server_gone;  // too_many_connections
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
    switch (judge(error.sqlstate())) {
        case Verdict::timed_out:
            return {DatabaseError::Kind::timed_out, error.sqlstate(), error.what()};
        case Verdict::server_gone:
            return {DatabaseError::Kind::unavailable, error.sqlstate(), error.what()};
        case Verdict::rejected:
        case Verdict::retry:
        case Verdict::no_bookkeeping:
            break;
    }
    return {DatabaseError::Kind::rejected, error.sqlstate(), error.what()};
}

DatabaseError to_database_error(const ConnectionLost& error) { return {DatabaseError::Kind::unavailable, {}, error.what()}; }

}  // namespace sluice::postgres

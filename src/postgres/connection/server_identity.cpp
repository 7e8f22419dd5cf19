#include "postgres/connection/server_identity.hpp"

#include "postgres/connection/read_statement.hpp"
#include "runtime/random_bits.hpp"

#include <array>

namespace sluice::postgres {
namespace {

// A standby's log is told by the control file alone, whose two words for its timeline are late at different times.
const std::string identity_query =
    "select s.system_identifier::text, pg_is_in_recovery()::text,"
    " case when pg_is_in_recovery() then greatest(c.timeline_id, r.min_recovery_end_timeline)::text"
    "  else ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int::text end,"
    " (select oid::text from pg_database where datname = current_database()),"
    " (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint::text"
    " from pg_control_system() s, pg_control_checkpoint() c, pg_control_recovery() r";

// Where a role may not read the control file: then a standby cannot be told from another cluster's.
const std::string identity_without_control_file =
    "select '0', pg_is_in_recovery()::text, case when pg_is_in_recovery() then '0'"
    "  else ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int::text end,"
    " (select oid::text from pg_database where datname = current_database()),"
    " (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint::text";

Rows ask(Connection& connection, TimePoint limit) {
    try {
        return connection.execute(identity_query, limit);
    } catch (const SqlError& error) {
        if (error.sqlstate() != "42501") throw;
        return connection.execute(identity_without_control_file, limit);
    }
}

std::uint64_t token_in(const Rows& rows) {
    return rows.empty() ? 0 : static_cast<std::uint64_t>(number<std::int64_t>(rows.front().at(0)));
}

// Positive, as a bigint.
std::string new_token() { return std::to_string((runtime::random_bits() >> 1) | 1); }

}  // namespace

ServerIdentity ask_identity(Connection& connection, TimePoint limit) {
    const auto rows = ask(connection, limit);
    const auto& row = rows.at(0);
    ServerIdentity identity;
    identity.system = number<std::uint64_t>(row.at(0));
    identity.standby = row.at(1) == "true";
    identity.timeline = number<std::uint32_t>(row.at(2));
    identity.database = number<std::uint32_t>(row.at(3));
    identity.started = number<std::int64_t>(row.at(4));
    return identity;
}

std::uint64_t ask_token(Connection& connection, TimePoint limit) {
    return token_in(connection.execute("select token::text from sluice.incarnation", limit));
}

std::uint64_t ensure_token(Connection& connection, TimePoint limit) {
    if (const auto token = ask_token(connection, limit); token != 0) return token;
    try {
        connection.execute("begin read write; insert into sluice.incarnation (token) values (" + new_token() +
                               ") on conflict do nothing; commit",
                           limit);
    } catch (const SqlError&) {
        connection.execute("rollback", limit);
        throw;
    }
    return ask_token(connection, limit);
}

std::uint64_t replace_token(Connection& connection, std::uint64_t token, TimePoint limit) {
    connection.execute("update sluice.incarnation set token = " + new_token() + " where token = " + std::to_string(token),
                       limit);
    return ask_token(connection, limit);
}

HistoryId history_of(const ServerIdentity& identity, std::uint64_t token) noexcept {
    const std::array<std::uint64_t, 5> parts{identity.system, identity.timeline, identity.database,
                                             static_cast<std::uint64_t>(identity.started), token};
    std::uint64_t hash = 0;
    for (const auto part : parts) {  // splitmix64 (Steele et al., OOPSLA 2014)
        hash = (hash ^ part) + 0x9e3779b97f4a7c15;
        hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
        hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
        hash ^= hash >> 31;
    }
    return hash == 0 ? 1 : hash;
}

}  // namespace sluice::postgres

// Who a server is: of which cluster, on which timeline, a standby or not, and which history its transaction ids belong to.
#pragma once

#include "postgres/connection/connection.hpp"
#include "sluice/snapshot.hpp"

#include <cstdint>

namespace sluice::postgres {

struct ServerIdentity {
    std::uint64_t system = 0;    ///< of the cluster; a physical copy has the same. 0: the role may not know it
    std::uint32_t timeline = 0;  ///< of a standby: the latest that it is known to follow
    std::uint32_t database = 0;  ///< its oid
    std::int64_t started = 0;    ///< when the server was, in microseconds since 1970
    bool standby = false;        ///< as of the question: one that is promoted goes on with its sessions

    friend bool operator==(const ServerIdentity&, const ServerIdentity&) = default;
};

/// One round trip; any role may ask, unless pg_control_system() was taken from it: then two. Throws ConnectionLost and
/// SqlError.
ServerIdentity ask_identity(Connection& connection, TimePoint limit);

/// The row of `sluice.incarnation`, an unlogged table: a crash, a promotion and a restore leave it empty, whatever
/// transaction ids they give out again. 0: there is none. Not on a standby.
std::uint64_t ask_token(Connection& connection, TimePoint limit);
/// The same; makes a row where there is none, also in a session that reads only.
std::uint64_t ensure_token(Connection& connection, TimePoint limit);
/// Another token, unless someone has replaced this one already: the server has gone back in time without a crash.
std::uint64_t replace_token(Connection& connection, std::uint64_t token, TimePoint limit);

/// Never 0. Of a primary alone. `token`: 0 where the database keeps none.
HistoryId history_of(const ServerIdentity& identity, std::uint64_t token) noexcept;

}  // namespace sluice::postgres

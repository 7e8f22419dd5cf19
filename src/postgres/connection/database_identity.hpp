// Which database it is that servers serve, and under which address it was asked for. Hides the questions.
#pragma once

#include "postgres/connection/server_identity.hpp"
#include "postgres/connection/watchdog.hpp"
#include "sluice/deadline.hpp"

#include <optional>
#include <span>
#include <string>

namespace sluice::postgres {

/// What a server said. Neither: none has answered.
struct IdentityAnswer {
    /// `CLUSTER.OID`: the cluster's system identifier, which a standby shares with its primary, and the database's oid. A
    /// dump that is restored elsewhere has another one, a physical copy has not.
    std::optional<std::string> identity;
    /// Why a server that answered does not tell: the role must not call pg_control_system(), or it is not PostgreSQL.
    std::string refusal;
};

/// The same of a server that was asked.
std::string name_of_database(const ServerIdentity& identity);

/// Asks one server after the other, each for at most `patience`, until one answers. Blocks; ends early when the watchdog
/// stops.
IdentityAnswer ask_identity(std::span<const std::string> urls, Watchdog& watchdog, Duration patience);

/// Host, port and database of a URL, the way every instance writes them, with libpq's defaults for what it does not say; no
/// credentials. A host that means something else on each machine (`localhost`, a socket) has `machine` beside it.
std::string database_address(const std::string& url, const std::string& machine);

}  // namespace sluice::postgres

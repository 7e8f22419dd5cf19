// What a server is to the primary: whether its data may be taken for that of a replica. Pure.
#pragma once

#include "postgres/connection/server_identity.hpp"

#include <optional>
#include <string_view>

namespace sluice::postgres {

enum class Standing {
    unknown,         // no poll of the primary was answered yet, or the role may not know which cluster it is
    standby,         // follows this primary
    primary,         // is this primary, under another address
    promoted,        // of this cluster, but a primary of its own
    other_cluster,   // no copy of this primary
    other_timeline,  // a standby that follows, or followed, another primary of this cluster
};

constexpr Standing standing_of(const ServerIdentity& server, const std::optional<ServerIdentity>& primary) noexcept {
    if (!primary) return Standing::unknown;
    const bool known = server.system != 0 && primary->system != 0;
    if (known && server.system != primary->system) return Standing::other_cluster;
    if (!known && server.standby) return Standing::unknown;
    if (server.standby) return server.timeline == primary->timeline ? Standing::standby : Standing::other_timeline;
    const bool same = server.timeline == primary->timeline && server.started == primary->started;
    return same ? Standing::primary : Standing::promoted;
}

/// Whether reads may be sent to it.
constexpr bool is_replica(Standing standing) noexcept {
    return standing == Standing::unknown || standing == Standing::standby || standing == Standing::primary;
}

/// For health and logs.
constexpr std::string_view to_string(Standing standing) noexcept {
    switch (standing) {
        case Standing::unknown:
            return "unknown";
        case Standing::standby:
            return "standby";
        case Standing::primary:
            return "the primary itself";
        case Standing::promoted:
            return "promoted";
        case Standing::other_cluster:
            return "of another cluster";
        case Standing::other_timeline:
            return "on another timeline";
    }
    return "unknown";
}

}  // namespace sluice::postgres

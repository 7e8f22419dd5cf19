// A snapshot as PostgreSQL writes it: `xmin:xmax:xip,xip`. Pure.
#pragma once

#include "sluice/snapshot.hpp"

#include <string>
#include <string_view>

namespace sluice::postgres {

/// What pg_current_snapshot() answers; of a standby it does not say what runs.
Snapshot parse_snapshot(std::string_view text);

/// `{xid,xid}`, an xid8[].
std::string running_literal(const Snapshot& snapshot);

}  // namespace sluice::postgres

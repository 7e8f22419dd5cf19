// The admin API for API keys, over KeyAdministration. Blocking work runs on a lane, never on a loop.
#pragma once

#include "admin/key_administration.hpp"
#include "runtime/blocking_lane.hpp"
#include "sluice/handler.hpp"

#include <string>
#include <vector>

namespace sluice::admin {

struct AdminRoute {
    Method method = Method::get;
    std::string pattern;
    Handler handler;
};

/// Not guarded: see `guarded`. Every change, done or refused, is one `audit` line in the log. `keys` and `lane` outlive
/// them.
///
///     POST   /admin/keys              {"tier", "name", "scopes"?, "expires"?: "90d"}   201, with the key
///     GET    /admin/keys              ?name= (its beginning) &tier= &state= &limit= &after=   newest first; `next` for
///     after GET    /admin/keys/{id} PATCH  /admin/keys/{id}         {"tier"} DELETE /admin/keys/{id}         revokes; the
///     record stays POST   /admin/keys/{id}/rotate  {"grace"?: "24h"}   201, with the new key
std::vector<AdminRoute> key_routes(const KeyAdministration& keys, runtime::BlockingLane& lane);

}  // namespace sluice::admin

// The admin API for what keys used.
#pragma once

#include "admin/key_administration.hpp"
#include "admin/usage_report.hpp"
#include "runtime/blocking_lane.hpp"
#include "sluice/handler.hpp"

namespace sluice::admin {

/// For `GET /admin/keys/{id}/usage`, `?days=` 1 to 400, default 30. Not guarded: see `guarded`. `keys` and `lane` outlive
/// it.
Handler usage_handler(const KeyAdministration& keys, runtime::BlockingLane& lane, UsageFunction usage);

}  // namespace sluice::admin

// Binds a request's parameters without holding its loop up: at once, or on a lane of worker threads where patterns meet
// texts that they may take long with.
#pragma once

#include "endpoints/parameters.hpp"
#include "runtime/blocking_lane.hpp"
#include "sluice/executor.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluice::endpoints {

/// False: it may take long with these texts, and nothing was done.
bool bind_at_once(const Parameters& parameters, const runtime::BlockingLane* lane, const Exchange& exchange,
                  std::vector<std::optional<std::string>>& values, std::vector<InputError>& errors,
                  Parameters::Unknown unknown = Parameters::Unknown::refused);

/// As Parameters::bind. `lane`: null: always at once. The problem: the lane is full (503 with `Retry-After`), or the
/// exchange's deadline has passed (504).
awaitable<std::optional<Problem>> bind_parameters(const Parameters& parameters, runtime::BlockingLane* lane,
                                                  const Exchange& exchange, std::vector<std::optional<std::string>>& values,
                                                  std::vector<InputError>& errors,
                                                  Parameters::Unknown unknown = Parameters::Unknown::refused);

}  // namespace sluice::endpoints

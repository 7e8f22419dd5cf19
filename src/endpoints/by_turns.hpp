// What takes long with many bytes, done a piece at a time, so that the event loop turns in between.
#pragma once

#include "sluice/executor.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::endpoints {

/// Bytes that may be copied in one turn.
inline constexpr std::size_t copied_at_once = std::size_t{256} * 1024;

/// The three, one behind the other. They must outlive the call.
awaitable<std::string> join_by_turns(std::string_view head, std::string_view body, std::string_view tail);

}  // namespace sluice::endpoints

// The trial by which a server of Redis shows that it is of use. Pure.
#pragma once

#include "redis/protocol.hpp"

#include <array>
#include <string>
#include <string_view>

namespace sluice::redis {

/// What limits and copies need: scripts, and a key written, read and deleted, of a master. KEYS: one for all instances, of
/// which nothing stays. Who may not ask for the role is not told it.
inline constexpr std::string_view trial_script = R"lua(
local info = redis.pcall('INFO', 'replication')
redis.call('SET', KEYS[1], '1', 'PX', 1000)
if type(info) == 'string' and string.find(info, 'role:slave', 1, true) then
  redis.call('DEL', KEYS[1])
  return redis.error_reply('READONLY This is a replica, although it takes writes.')
end
local value = redis.call('GET', KEYS[1])
redis.call('DEL', KEYS[1])
return value
)lua";
/// The command, for one key of all instances.
inline std::array<std::string_view, 4> trial_command(std::string_view key) { return {"EVAL", trial_script, "1", key}; }

/// The same as Redis reads it.
inline std::string trial_text(std::string_view key) {
    std::string text;
    append_command(text, trial_command(key));
    return text;
}

}  // namespace sluice::redis

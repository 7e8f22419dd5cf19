// The Lua scripts that Redis runs for us, and how they are called.
#pragma once

#include "redis/reply.hpp"
#include "sluice/deadline.hpp"
#include "sluice/executor.hpp"

#include <span>
#include <string>
#include <string_view>

namespace sluice::redis {

class Client;

/// A script by the name Redis keeps it under: the SHA-1 of its text.
class Script {
public:
    explicit Script(std::string_view text);

    /// Runs it on one key by its name; if Redis does not know it (a restart, SCRIPT FLUSH), once more by its text.
    awaitable<Reply> run(Client& client, std::string_view key, std::span<const std::string_view> arguments,
                         Deadline deadline) const;

private:
    const std::string_view text_;
    const std::string sha_;
};

/// A sliding window as a sorted set of admissions, scored by Redis' clock in microseconds.
/// KEYS: the log. ARGV: the limit, the window in microseconds, the key's expiry in milliseconds.
/// Answers: admitted (0 or 1), remaining, microseconds until the oldest admission leaves the window, and, if rejected, until
/// a request would be admitted. Numbers are printed with %.0f: Lua's own way keeps 14 digits, and a time has 16. Two
/// admissions in one microsecond (or after the clock went back) get different members, so both count.
inline constexpr std::string_view sliding_log_script = R"lua(
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - window))
local count = redis.call('ZCARD', KEYS[1])
local admitted, retry = 0, 0
local function leaves(index)
  local entry = redis.call('ZRANGE', KEYS[1], index, index, 'WITHSCORES')
  return entry[2] and tonumber(entry[2]) + window - now or 0
end
if count < limit then
  local stamp, sequence = string.format('%.0f', now), count
  while redis.call('ZADD', KEYS[1], 'NX', stamp, string.format('%s:%.0f', stamp, sequence)) == 0 do
    sequence = sequence + 1
  end
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  admitted, count = 1, count + 1
elseif limit > 0 then
  retry = leaves(string.format('%.0f', count - limit))
else
  retry = window
end
return {admitted, math.max(0, limit - count), leaves('0'), retry}
)lua";

}  // namespace sluice::redis

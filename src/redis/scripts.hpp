// The Lua scripts that Redis runs for us, and how they are called.
#pragma once

#include "redis/reply.hpp"
#include "sluice/deadline.hpp"
#include "sluice/executor.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::redis {

class Client;

/// Of SHA-1, as Redis names scripts.
std::string sha1_hex(std::string_view text);
/// For names that nobody may be able to make meet.
std::string sha256_hex(std::string_view text);

/// Keys of one hash slot, and arguments.
struct ScriptCall {
    std::vector<std::string> keys;
    std::vector<std::string> arguments;
};

/// A script by the name Redis keeps it under: the SHA-1 of its text.
class Script {
public:
    /// `reads`: it writes nothing, and so goes on while Redis refuses writes.
    explicit Script(std::string_view text, bool reads = false);

    /// Runs it by its name; if Redis does not know it (a restart, SCRIPT FLUSH), once more by its text.
    awaitable<Reply> run(Client& client, ScriptCall call, Deadline deadline) const;
    /// Several runs in one write; their replies.
    awaitable<std::vector<Reply>> run_all(Client& client, std::span<const ScriptCall> calls, Deadline deadline) const;

private:
    awaitable<std::vector<Reply>> send(Client& client, std::string_view verb, std::string_view name,
                                       std::vector<const ScriptCall*> calls, Deadline deadline) const;

    const std::string_view text_;
    const std::string sha_;
    const bool reads_;
};

/// Sliding windows as sorted sets of admissions, scored by Redis' clock in microseconds; all or nothing.
/// KEYS: a log for each limit. ARGV: the cost; then for each limit its requests, its window in microseconds and its log's
/// expiry in milliseconds.
/// Answers: admitted (0 or 1), the number of the tightest limit, and of that: remaining, microseconds until the oldest
/// admission leaves the window, and, if rejected, until the request would be admitted. Numbers are printed with %.0f: Lua's
/// own way keeps 14 digits, and a time has 16. Two admissions in one microsecond (or after the clock went back) get
/// different members, so both count.
inline constexpr std::string_view sliding_log_script = R"lua(
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local cost = tonumber(ARGV[1])
local function limit_of(i) return tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i]) end
local function leaves(i, index, window)
  local entry = redis.call('ZRANGE', KEYS[i], index, index, 'WITHSCORES')
  return entry[2] and tonumber(entry[2]) + window - now or 0
end
local counts, tightest, least, refused, longest = {}, 1, nil, nil, -1
for i = 1, #KEYS do
  local limit, window = limit_of(i)
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', string.format('%.0f', now - window))
  local count = redis.call('ZCARD', KEYS[i])
  counts[i] = count
  if count + cost > limit then
    local retry = window
    if cost <= limit then retry = leaves(i, string.format('%.0f', count + cost - limit - 1), window) end
    if retry > longest then refused, longest = i, retry end
  elseif not least or limit - count < least then
    tightest, least = i, limit - count
  end
end
if refused then
  local limit, window = limit_of(refused)
  return {0, refused, math.max(0, limit - counts[refused]), leaves(refused, '0', window), longest}
end
for i = 1, #KEYS do
  local stamp, sequence = string.format('%.0f', now), counts[i]
  for _ = 1, cost do
    while redis.call('ZADD', KEYS[i], 'NX', stamp, string.format('%s:%.0f', stamp, sequence)) == 0 do
      sequence = sequence + 1
    end
  end
  redis.call('PEXPIRE', KEYS[i], ARGV[3 * i + 1])
end
local limit, window = limit_of(tightest)
return {1, tightest, limit - counts[tightest] - cost, leaves(tightest, '0', window), 0}
)lua";

/// Grants a few tokens of a limit and books them until they have surely left every window (see policy::LeaseTerms).
/// KEYS: a list of `drop_at:total`, in microseconds of Redis' clock and tokens booked so far; the first is the last one that
/// was dropped, so that last less first is what is booked.
/// ARGV: the limit, how many tokens are wanted, how many are needed at least (0: none are wanted), how many to charge for
/// admissions made without Redis; then window, hold and bucket in microseconds.
/// Answers: granted, remaining, microseconds until the oldest booking is dropped and, if nothing was granted, until what is
/// needed would be.
inline constexpr std::string_view lease_script = R"lua(
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local limit, want, cost, charge = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local window, hold, bucket = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local key = KEYS[1]
local function parse(text)
  local colon = string.find(text, ':', 1, true)
  return tonumber(string.sub(text, 1, colon - 1)), tonumber(string.sub(text, colon + 1))
end
local length = redis.call('LLEN', key)
local first, last_drop, last, next_drop = 0, 0, 0, nil
while length > 1 do
  next_drop = parse(redis.call('LINDEX', key, 1))
  if next_drop > now then break end
  redis.call('LPOP', key)
  length, next_drop = length - 1, nil
end
if length > 0 then
  local _
  _, first = parse(redis.call('LINDEX', key, 0))
  last_drop, last = parse(redis.call('LINDEX', key, -1))
end
local function book(from_now, amount)
  local till = now + from_now
  local drop_at, total = math.max(last_drop, till + (bucket - till % bucket) % bucket), last + amount
  local text = string.format('%.0f:%.0f', drop_at, total)
  if length > 1 and drop_at == last_drop then
    redis.call('LSET', key, -1, text)
  else
    if length == 0 then
      redis.call('RPUSH', key, '0:0', text)
      length = 2
    else
      redis.call('RPUSH', key, text)
      length = length + 1
    end
  end
  last_drop, last, next_drop = drop_at, total, next_drop or drop_at
  redis.call('PEXPIREAT', key, string.format('%.0f', math.ceil(drop_at / 1000) + 1000))
end
if charge > 0 then book(window, charge) end
local left = math.max(0, limit - (last - first))
local granted, retry = 0, 0
if cost > 0 and left >= cost then
  granted = math.min(want, left, math.max(cost, math.floor(limit / 1000), math.floor(left / 2)))
  book(hold, granted)
elseif cost > 0 then
  retry = hold
  if cost <= limit then
    local enough, from, chunk = last - (limit - cost), 1, {}
    repeat
      chunk = redis.call('LRANGE', key, from, from + 15)
      for _, text in ipairs(chunk) do
        local drop_at, total = parse(text)
        if total >= enough then
          retry, chunk = drop_at - now, {}
          break
        end
      end
      from = from + 16
    until #chunk == 0
  end
end
return {granted, math.max(0, limit - (last - first)), next_drop and next_drop - now or 0, retry}
)lua";

}  // namespace sluice::redis

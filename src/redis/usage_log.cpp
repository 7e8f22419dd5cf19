#include "redis/usage_log.hpp"

#include "runtime/random_name.hpp"

#include <array>
#include <charconv>
#include <utility>

namespace sluice::redis {
namespace {

// One hash tag for all of them.
constexpr const char* open_key = "{usage}:open";      // of the open batch: its id, and when it was opened
constexpr const char* closed_key = "{usage}:closed";  // ids, oldest first
constexpr const char* batch_prefix = "{usage}:batch:";
constexpr const char* added_prefix = "{usage}:added:";  // the last addition of an instance

/// How names began that held no database.
const std::string nameless{"sluice:"};

/// KEYS: open, closed, the instance's last addition, the batches' prefix. ARGV: the addition's number, an id for a new
/// batch, how many keys fill one; then for each sum its field, requests, errors, bytes and rejections. An instance that has
/// been silent for a week repeats nothing.
constexpr std::string_view add_script = R"lua(
if tonumber(redis.call('GET', KEYS[3]) or '0') >= tonumber(ARGV[1]) then return 0 end
local id = redis.call('HGET', KEYS[1], 'id')
if not id then
  local time = redis.call('TIME')
  id = ARGV[2]
  redis.call('HSET', KEYS[1], 'id', id, 'opened', string.format('%.0f', tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000))
end
local batch = KEYS[4] .. id
for i = 4, #ARGV, 5 do
  local sum, there = {}, redis.call('HGET', batch, ARGV[i])
  if there then for number in string.gmatch(there, '%d+') do sum[#sum + 1] = tonumber(number) end end
  for k = 1, 4 do sum[k] = string.format('%.0f', (sum[k] or 0) + tonumber(ARGV[i + k])) end
  redis.call('HSET', batch, ARGV[i], table.concat(sum, ' '))
end
if redis.call('HLEN', batch) >= tonumber(ARGV[3]) then
  redis.call('RPUSH', KEYS[2], id)
  redis.call('DEL', KEYS[1])
end
redis.call('SET', KEYS[3], ARGV[1], 'EX', 604800)
return 1
)lua";

/// KEYS: open, closed, the batches' prefix. ARGV: an age in milliseconds. Answers the id, then fields and sums in turn.
constexpr std::string_view oldest_closed_script = R"lua(
local id = redis.call('LINDEX', KEYS[2], 0)
if not id then
  local opened = redis.call('HGET', KEYS[1], 'opened')
  if not opened then return {} end
  local time = redis.call('TIME')
  if tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000 - tonumber(opened) < tonumber(ARGV[1]) then return {} end
  id = redis.call('HGET', KEYS[1], 'id')
  redis.call('RPUSH', KEYS[2], id)
  redis.call('DEL', KEYS[1])
end
local answer = redis.call('HGETALL', KEYS[3] .. id)
table.insert(answer, 1, id)
return answer
)lua";

/// KEYS: closed, the batch. ARGV: its id.
constexpr std::string_view forget_script = R"lua(
redis.call('LREM', KEYS[1], 0, ARGV[1])
return redis.call('DEL', KEYS[2])
)lua";

/// KEYS: open, closed, the batches' prefix. ARGV: fields. Answers, for each that is there, batch, field and sums.
constexpr std::string_view pending_script = R"lua(
local ids, answer = redis.call('LRANGE', KEYS[2], 0, -1), {}
local open = redis.call('HGET', KEYS[1], 'id')
if open then ids[#ids + 1] = open end
for _, id in ipairs(ids) do
  local sums = redis.call('HMGET', KEYS[3] .. id, unpack(ARGV))
  for i, sum in ipairs(sums) do
    if sum then
      answer[#answer + 1] = id
      answer[#answer + 1] = ARGV[i]
      answer[#answer + 1] = sum
    end
  end
end
return answer
)lua";

/// A sum's place in a batch: days since the epoch, and the key.
std::string field_of(std::chrono::sys_days day, std::string_view key) {
    return std::to_string(day.time_since_epoch().count()) + ' ' + std::string{key};
}

/// Reads numbers that stand with a space between them; what is left of the text stays.
std::optional<std::uint64_t> next_number(std::string_view& text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.starts_with(' ')) text.remove_prefix(1);
    return number;
}

std::optional<policy::KeyUsage> parse(std::string_view field, std::string_view sums) {
    const auto day = next_number(field);
    std::array<std::uint64_t, 4> numbers{};
    for (auto& number : numbers) {
        const auto next = next_number(sums);
        if (!next) return std::nullopt;
        number = *next;
    }
    if (!day || field.empty()) return std::nullopt;
    return policy::KeyUsage{std::string{field},
                            std::chrono::sys_days{std::chrono::days{*day}},
                            {numbers[0], numbers[1], numbers[2], numbers[3]}};
}

}  // namespace

UsageLog::UsageLog(Client& client, std::size_t batch_keys)
    : client_{client},
      batch_keys_{std::to_string(batch_keys)},
      instance_{runtime::random_name()},
      add_{add_script},
      oldest_closed_{oldest_closed_script},
      forget_{forget_script},
      pending_{pending_script, true} {}

awaitable<bool> UsageLog::add(std::uint64_t sequence, std::span<const policy::KeyUsage> usage, Deadline deadline) {
    const auto stem = client_.keys().stem();
    if (!stem) co_return false;
    ScriptCall call{{*stem + open_key, *stem + closed_key, *stem + added_prefix + instance_, *stem + batch_prefix},
                    {std::to_string(sequence), runtime::random_name(), batch_keys_}};
    call.arguments.reserve(call.arguments.size() + 5 * usage.size());
    for (const auto& [key, day, sum] : usage) {
        call.arguments.push_back(field_of(day, key));
        for (const auto number : {sum.requests, sum.errors, sum.bytes, sum.rejections}) {
            call.arguments.push_back(std::to_string(number));
        }
    }
    const Reply reply = co_await add_.run(client_, std::move(call), deadline);
    co_return reply.status == Status::ok;
}

std::vector<std::string> UsageLog::stems() const {
    std::vector<std::string> all{nameless};
    const auto stem = client_.keys().stem();
    if (stem && *stem != nameless) all.push_back(*stem);
    return all;
}

awaitable<std::optional<UsageLog::Batch>> UsageLog::oldest_closed(std::chrono::milliseconds age, Deadline deadline) {
    for (auto& stem : stems()) {
        if (auto batch = co_await oldest_closed_of(std::move(stem), age, deadline)) co_return batch;
    }
    co_return std::nullopt;
}

awaitable<std::optional<UsageLog::Batch>> UsageLog::oldest_closed_of(std::string stem, std::chrono::milliseconds age,
                                                                     Deadline deadline) {
    ScriptCall call{{stem + open_key, stem + closed_key, stem + batch_prefix}, {std::to_string(age.count())}};
    const Reply reply = co_await oldest_closed_.run(client_, std::move(call), deadline);
    if (reply.status != Status::ok || reply.value.elements.empty()) co_return std::nullopt;
    const auto& answer = reply.value.elements;
    Batch batch{answer[0].text, {}, std::move(stem)};
    for (std::size_t i = 1; i + 1 < answer.size(); i += 2) {
        if (auto usage = parse(answer[i].text, answer[i + 1].text)) batch.usage.push_back(std::move(*usage));
    }
    co_return batch;
}

awaitable<bool> UsageLog::forget(Batch batch, Deadline deadline) {
    ScriptCall call{{batch.stem + closed_key, batch.stem + batch_prefix + batch.id}, {batch.id}};
    const Reply reply = co_await forget_.run(client_, std::move(call), deadline);
    co_return reply.status == Status::ok;
}

awaitable<std::optional<std::vector<UsageLog::Pending>>> UsageLog::pending(std::string key,
                                                                           std::vector<std::chrono::sys_days> days,
                                                                           Deadline deadline) {
    if (!client_.keys().stem()) co_return std::nullopt;
    std::vector<std::string> fields;
    fields.reserve(days.size());
    for (const auto day : days) fields.push_back(field_of(day, key));
    std::vector<Pending> all;
    for (const auto& stem : stems()) {
        ScriptCall call{{stem + open_key, stem + closed_key, stem + batch_prefix}, fields};
        const Reply reply = co_await pending_.run(client_, std::move(call), deadline);
        if (reply.status != Status::ok) co_return std::nullopt;
        const auto& answer = reply.value.elements;
        for (std::size_t i = 0; i + 2 < answer.size(); i += 3) {
            const auto usage = parse(answer[i + 1].text, answer[i + 2].text);
            if (usage) all.push_back({answer[i].text, usage->day, usage->usage});
        }
    }
    co_return all;
}

}  // namespace sluice::redis

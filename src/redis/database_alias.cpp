#include "redis/database_alias.hpp"

#include <utility>

namespace sluice::redis {
namespace {

constexpr const char* remembered_for_us = "86400000000";  // a day

/// KEYS: a sorted set of databases, scored by when they were last told, in microseconds of Redis' clock. ARGV: for how long
/// one is remembered, and one to add, or nothing. Answers a few of them.
constexpr std::string_view alias_script = R"lua(
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local age = tonumber(ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - age))
if ARGV[2] ~= '' then
  redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[2])
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', age / 1000))
end
return redis.call('ZRANGE', KEYS[1], 0, 7)
)lua";

}  // namespace

DatabaseAlias::DatabaseAlias(Client& client, std::string_view target)
    : client_{client}, target_digest_{sha1_hex(target)}, script_{alias_script} {}

awaitable<void> DatabaseAlias::remember(std::string database, Deadline deadline) {
    static_cast<void>(co_await run(std::move(database), deadline));
}

awaitable<std::optional<std::vector<std::string>>> DatabaseAlias::databases(Deadline deadline) {
    const Reply reply = co_await run({}, deadline);
    if (reply.status != Status::ok || reply.value.kind != Value::Kind::array) co_return std::nullopt;
    std::vector<std::string> all;
    all.reserve(reply.value.elements.size());
    for (const auto& element : reply.value.elements) all.push_back(element.text);
    co_return all;
}

awaitable<Reply> DatabaseAlias::run(std::string database, Deadline deadline) {
    ScriptCall call{{client_.keys().common() + "alias:" + target_digest_}, {remembered_for_us, std::move(database)}};
    co_return co_await script_.run(client_, std::move(call), deadline);
}

}  // namespace sluice::redis

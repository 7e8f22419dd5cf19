#include "redis/byte_store.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::redis {
namespace {

/// KEYS: the lock. ARGV: whose it should be.
constexpr std::string_view unlock_script = R"lua(
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
)lua";

// Behind the bytes stands what may yet be added to their expiry: a line break, `T` while they are on trial and `-` else, and
// thirteen digits of milliseconds. So nobody has to send them again, and whoever reads them knows how old they are: by what
// is left of the expiry that they have, or would have.
constexpr std::size_t mark_size = 15;
constexpr char on_trial = 'T';
constexpr char settled = '-';

std::string mark(const Lifetime& lifetime) {
    auto digits = std::to_string((lifetime.whole - lifetime.first).count());
    digits.insert(0, mark_size - 2 - std::min(digits.size(), mark_size - 2), '0');
    return std::string{"\n"}.append(1, lifetime.on_trial() ? on_trial : settled).append(digits);
}

/// Takes it off. Bytes without one, of an older version, are settled.
void take_mark(StoredBytes& stored) {
    auto& bytes = stored.bytes;
    if (bytes.size() < mark_size) return;
    const auto at = bytes.size() - mark_size;
    const char kind = bytes[at + 1];
    if (bytes[at] != '\n' || (kind != on_trial && kind != settled)) return;
    std::int64_t more = 0;
    const auto* end = bytes.data() + bytes.size();
    if (std::from_chars(bytes.data() + at + 2, end, more).ptr != end) return;
    stored.on_trial = kind == on_trial;
    if (stored.on_trial) stored.remaining += std::chrono::milliseconds{more};
    bytes.resize(at);
}

/// KEYS: the copy. Answers 1 if it is there. It touches the mark and the expiry alone, however large the copy is.
constexpr std::string_view prolong_script = R"lua(
local size = redis.call('STRLEN', KEYS[1])
if size < 15 then return 0 end
local mark = redis.call('GETRANGE', KEYS[1], size - 15, size - 1)
if string.sub(mark, 1, 2) ~= '\nT' then return 1 end
local left = redis.call('PTTL', KEYS[1])
redis.call('SETRANGE', KEYS[1], size - 14, '-')
redis.call('PEXPIRE', KEYS[1], left + tonumber(string.sub(mark, 3)))
return 1
)lua";

/// A client writes the query, so a longer key is named by its digest.
constexpr std::size_t longest_key = 1024;

/// The name of a copy, or of a lock. Nothing: nobody knows yet whose it would be.
std::optional<std::string> name_of(Client& client, std::string_view kind, std::string_view key) {
    const auto stem = client.keys().stem_for_copies(Clock::now());
    if (!stem) return std::nullopt;
    std::string digest;
    if (key.size() > longest_key) {
        digest = "sha256:" + sha256_hex(key);
        key = digest;
    }
    std::string name;
    name.reserve(stem->size() + kind.size() + key.size());
    return std::move(name.append(*stem).append(kind).append(key));
}

constexpr std::string_view copy = "c:";
constexpr std::string_view fill_lock = "fill:";

/// Names in a step of a search: a fraction of a millisecond for Redis, so that others hardly wait.
constexpr std::string_view scanned_at_once = "300";
/// With it 4 KiB of a copy are looked at.
constexpr std::string_view last_looked_at = "4095";

/// As a pattern that matches this alone.
std::string literally(std::string_view text) {
    std::string pattern;
    for (const char c : text) {
        if (std::string_view{"*?[]\\"}.find(c) != std::string_view::npos) pattern += '\\';
        pattern += c;
    }
    return pattern;
}

}  // namespace

ByteStore::ByteStore(Client& client) : client_{client}, unlock_{unlock_script}, prolong_{prolong_script} {}

// Two commands in one write and not a script: a script would copy the bytes through Lua, at several times the cost to Redis.
// Should the key go between the two, PTTL says so and the answer is "missing".
awaitable<StoredBytes> ByteStore::get(std::string_view key, Deadline deadline) {
    StoredBytes stored;
    const auto name = name_of(client_, copy, key);
    if (!name) co_return stored;
    const std::array<std::string_view, 2> get_bytes{"GET", *name};
    const std::array<std::string_view, 2> get_lifetime{"PTTL", *name};
    const std::array<Command, 2> both{get_bytes, get_lifetime};
    Reply reply = co_await client_.pipeline(both, deadline, Access::read);
    if (reply.status != Status::ok) co_return stored;
    Value& bytes = reply.value.elements[0];
    const Value& lifetime = reply.value.elements[1];
    if (bytes.kind == Value::Kind::error || lifetime.kind != Value::Kind::integer) co_return stored;
    constexpr std::int64_t gone = -2;  // -1, a key that never expires, is none of ours: it counts as about to go
    if (bytes.kind != Value::Kind::string || lifetime.integer == gone) {
        stored.status = StoreStatus::missing;
        co_return stored;
    }
    stored.status = StoreStatus::found;
    stored.bytes = std::move(bytes.text);
    stored.remaining = std::chrono::milliseconds{std::max<std::int64_t>(0, lifetime.integer)};
    take_mark(stored);
    co_return stored;
}

awaitable<bool> ByteStore::put(std::string_view key, std::string bytes, Lifetime lifetime, Deadline deadline) {
    if (lifetime.first.count() <= 0) co_return false;
    const auto name = name_of(client_, copy, key);
    if (!name) co_return false;
    bytes += mark(lifetime);
    const std::string life = std::to_string(lifetime.first.count());
    const std::array<std::string_view, 5> set{"SET", *name, bytes, "PX", life};
    const Reply reply = co_await client_.command(set, deadline);
    co_return reply.status == Status::ok;
}

awaitable<StoreStatus> ByteStore::prolong(std::string_view key, Deadline deadline) {
    const auto name = name_of(client_, copy, key);
    if (!name) co_return StoreStatus::unavailable;
    ScriptCall call{{*name}, {}};
    const Reply reply = co_await prolong_.run(client_, std::move(call), deadline);
    if (reply.status != Status::ok) co_return StoreStatus::unavailable;
    co_return reply.value.integer == 1 ? StoreStatus::found : StoreStatus::missing;
}

awaitable<bool> ByteStore::erase(std::string_view key, Deadline deadline) {
    const auto name = name_of(client_, copy, key);
    if (!name) co_return false;
    const std::array<std::string_view, 2> unlink{"UNLINK", *name};
    const Reply reply = co_await client_.command(unlink, deadline);
    co_return reply.status == Status::ok;
}

awaitable<std::optional<std::size_t>> ByteStore::erase_those(std::function<bool(std::string_view)> goes, Deadline deadline) {
    const auto stem = client_.keys().stem();
    if (!stem) co_return std::nullopt;
    const std::string pattern = literally(*stem + std::string{copy}) + "*";
    std::size_t erased = 0;
    std::string cursor = "0";
    do {
        const std::array<std::string_view, 6> scan{"SCAN", cursor, "MATCH", pattern, "COUNT", scanned_at_once};
        Reply reply = co_await client_.command(scan, deadline, Access::read);
        if (reply.status != Status::ok || reply.value.elements.size() != 2) co_return std::nullopt;
        cursor = reply.value.elements[0].text;
        const auto& names = reply.value.elements[1].elements;
        if (names.empty()) continue;
        const auto of_these = co_await erase_of(names, goes, deadline);
        if (!of_these) co_return std::nullopt;
        erased += *of_these;
    } while (cursor != "0");
    co_return erased;
}

awaitable<std::optional<std::size_t>> ByteStore::erase_of(const std::vector<Value>& names,
                                                          const std::function<bool(std::string_view)>& goes,
                                                          Deadline deadline) {
    std::vector<std::array<std::string_view, 4>> looks;
    looks.reserve(names.size());
    for (const auto& name : names) looks.push_back({"GETRANGE", name.text, "0", last_looked_at});
    const std::vector<Command> commands(looks.begin(), looks.end());
    const Reply beginnings = co_await client_.pipeline(commands, deadline, Access::read);
    if (beginnings.status != Status::ok || beginnings.value.elements.size() != names.size()) co_return std::nullopt;
    std::vector<std::string_view> unlink{"UNLINK"};
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto& beginning = beginnings.value.elements[i];
        if (beginning.kind == Value::Kind::string && goes(beginning.text)) unlink.push_back(names[i].text);
    }
    if (unlink.size() == 1) co_return 0;
    const Reply gone = co_await client_.command(unlink, deadline);
    if (gone.status != Status::ok) co_return std::nullopt;
    co_return unlink.size() - 1;
}

awaitable<LockStatus> ByteStore::lock(std::string_view key, std::string_view owner, std::chrono::milliseconds lifetime,
                                      Deadline deadline) {
    const auto name = name_of(client_, fill_lock, key);
    if (!name) co_return LockStatus::unavailable;
    const std::string life = std::to_string(lifetime.count());
    const std::array<std::string_view, 6> set{"SET", *name, owner, "NX", "PX", life};
    const Reply reply = co_await client_.command(set, deadline);
    if (reply.status != Status::ok) co_return LockStatus::unavailable;
    co_return reply.value.kind == Value::Kind::nil ? LockStatus::held : LockStatus::acquired;
}

awaitable<void> ByteStore::unlock(std::string_view key, std::string_view owner, Deadline deadline) {
    const auto name = name_of(client_, fill_lock, key);
    if (!name) co_return;  // it ends by itself
    ScriptCall call{{*name}, {std::string{owner}}};
    static_cast<void>(co_await unlock_.run(client_, std::move(call), deadline));
}

}  // namespace sluice::redis

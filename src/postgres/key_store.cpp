#include "postgres/key_store.hpp"

#include "postgres/connection.hpp"
#include "postgres/statement.hpp"

#include <nlohmann/json.hpp>

#include <charconv>

namespace sluice::postgres {
namespace {

using std::chrono::microseconds;
using std::chrono::system_clock;

constexpr Duration patience = std::chrono::seconds{30};

// One statement on a connection of its own.
Rows run(const std::string& url, const std::string& sql, const Row& values) {
    Watchdog watchdog;
    const auto limit = Clock::now() + patience;
    Connection connection{url, watchdog, limit};
    return connection.execute(sql, values, limit);
}

// Times cross as whole microseconds since the epoch: PostgreSQL's own resolution, whatever the time zone.
Value to_text(const std::optional<system_clock::time_point>& time) {
    if (!time) return std::nullopt;
    return std::to_string(std::chrono::floor<microseconds>(time->time_since_epoch()).count());
}

std::optional<system_clock::time_point> to_time(const Value& text) {
    if (!text) return std::nullopt;
    std::int64_t count = 0;
    std::from_chars(text->data(), text->data() + text->size(), count);
    return system_clock::time_point{microseconds{count}};
}

std::string as_time(int k) { return "'epoch'::timestamptz + $" + std::to_string(k) + "::bigint * interval '1 microsecond'"; }

std::string as_microseconds(std::string_view column) {
    return "(extract(epoch from " + std::string{column} + ") * 1000000)::bigint::text";
}

KeyChange outcome(const Rows& rows) {
    if (rows.empty()) return KeyChange::not_found;
    return rows.front().at(0) == "t" ? KeyChange::done : KeyChange::unchanged;
}

}  // namespace

bool insert_key(const std::string& url, const KeyRecord& key) {
    const auto rows =
        run(url,
            "insert into sluice.api_keys (id, name, tier, scopes, created_at, expires_at)"
            " values ($1, $2, $3, $4::text[], coalesce(" +
                as_time(5) + ", now()), " + as_time(6) + ") on conflict (id) do nothing returning id",
            {key.id, key.name, key.tier, array_literal(key.scopes), to_text(key.created_at), to_text(key.expires_at)});
    return !rows.empty();
}

std::vector<KeyRecord> list_keys(const std::string& url) {
    const auto rows = run(url,
                          "select id, name, tier, array_to_json(scopes)::text, " + as_microseconds("created_at") + ", " +
                              as_microseconds("expires_at") + ", " + as_microseconds("revoked_at") +
                              ", tier_override from sluice.api_keys order by sluice.api_keys.created_at desc, id",
                          {});
    std::vector<KeyRecord> keys;
    keys.reserve(rows.size());
    for (const auto& row : rows) {
        keys.push_back({row[0].value(), row[1].value(), row[2].value(),
                        nlohmann::json::parse(row[3].value()).get<std::vector<std::string>>(), to_time(row[4]),
                        to_time(row[5]), to_time(row[6]), row[7]});
    }
    return keys;
}

// The row is locked before it is judged, so that of two at once one sees what the other has done.
KeyChange revoke_key(const std::string& url, std::string_view id) {
    return outcome(
        run(url,
            "with found as (select id, revoked_at is null as changes from sluice.api_keys where id = $1 for update),"
            " changed as (update sluice.api_keys k set revoked_at = now() from found"
            " where k.id = found.id and found.changes)"
            " select changes from found",
            {std::string{id}}));
}

KeyChange set_key_tier(const std::string& url, std::string_view id, std::string_view tier) {
    return outcome(run(url,
                       "with found as (select id, coalesce(tier_override, tier) <> $2 as changes from sluice.api_keys"
                       " where id = $1 for update),"
                       " changed as (update sluice.api_keys k set tier_override = $2 from found"
                       " where k.id = found.id and found.changes)"
                       " select changes from found",
                       {std::string{id}, std::string{tier}}));
}

}  // namespace sluice::postgres

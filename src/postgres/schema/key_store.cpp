#include "postgres/schema/key_store.hpp"

#include "postgres/connection/single_statement.hpp"
#include "sql/statement.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <iterator>

namespace sluice::postgres {
namespace {

using std::chrono::microseconds;
using std::chrono::system_clock;

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

const std::string select_keys = "select id, name, tier, array_to_json(scopes)::text, " + as_microseconds("created_at") +
                                ", " + as_microseconds("expires_at") + ", " + as_microseconds("revoked_at") +
                                ", tier_override, replaced_by from sluice.api_keys";

KeyRecord to_record(const Row& row) {
    return {row.at(0).value(),  row.at(1).value(),
            row.at(2).value(),  nlohmann::json::parse(row.at(3).value()).get<std::vector<std::string>>(),
            to_time(row.at(4)), to_time(row.at(5)),
            to_time(row.at(6)), row.at(7),
            row.at(8)};
}

std::string as_like_prefix(const std::string& prefix) {
    std::string pattern;
    for (const char c : prefix) {
        if (c == '%' || c == '_' || c == '\\') pattern += '\\';
        pattern += c;
    }
    return pattern + '%';
}

std::string condition_of(KeyFilter::State state) {
    switch (state) {
        case KeyFilter::State::active:
            return " and coalesce(revoked_at > now(), true) and coalesce(expires_at > now(), true)";
        case KeyFilter::State::expired:
            return " and coalesce(revoked_at > now(), true) and expires_at <= now()";
        case KeyFilter::State::revoked:
            return " and revoked_at <= now()";
    }
    return {};
}

}  // namespace

bool insert_key(const std::string& url, const KeyRecord& key) {
    const auto rows = run_single(
        url,
        "insert into sluice.api_keys (id, name, tier, scopes, created_at, expires_at)"
        " values ($1, $2, $3, $4::text[], coalesce(" +
            as_time(5) + ", now()), " + as_time(6) + ") on conflict (id) do nothing returning id",
        {key.id, key.name, key.tier, sql::array_literal(key.scopes), to_text(key.created_at), to_text(key.expires_at)});
    return !rows.empty();
}

std::optional<KeyRecord> find_key(const std::string& url, std::string_view id) {
    const auto rows = run_single(url, select_keys + " where id = $1", {std::string{id}});
    if (rows.empty()) return std::nullopt;
    return to_record(rows.front());
}

std::vector<KeyRecord> list_keys(const std::string& url, const KeyFilter& filter) {
    std::string sql = select_keys + " where true";
    Row values;
    const auto bind = [&values](std::string value) {
        values.emplace_back(std::move(value));
        return "$" + std::to_string(values.size());
    };
    if (filter.name_prefix) sql += " and name like " + bind(as_like_prefix(*filter.name_prefix));
    if (filter.tier) sql += " and coalesce(tier_override, tier) = " + bind(*filter.tier);
    if (filter.state) sql += condition_of(*filter.state);
    if (filter.after) {
        const auto created_at = bind(to_text(filter.after->created_at).value());
        sql += " and (created_at, id) < ('epoch'::timestamptz + " + created_at + "::bigint * interval '1 microsecond', " +
               bind(filter.after->id) + ")";
    }
    sql += " order by sluice.api_keys.created_at desc, id desc limit " + bind(std::to_string(filter.limit)) + "::bigint";
    std::vector<KeyRecord> keys;
    const auto rows = run_single(url, sql, values);
    keys.reserve(rows.size());
    std::transform(rows.begin(), rows.end(), std::back_inserter(keys), to_record);
    return keys;
}

// The row is locked before it is judged, so that of two at once one sees what the other has done.
KeyChange revoke_key(const std::string& url, std::string_view id) {
    return outcome(run_single(url,
                              "with found as (select id, coalesce(revoked_at > now(), true) as changes from sluice.api_keys"
                              " where id = $1 for update),"
                              " changed as (update sluice.api_keys k set revoked_at = now() from found"
                              " where k.id = found.id and found.changes)"
                              " select changes from found",
                              {std::string{id}}));
}

KeyChange rotate_key(const std::string& url, std::string_view id, const KeyRecord& successor, std::chrono::seconds grace) {
    return outcome(
        run_single(url,
                   "with found as (select id, revoked_at is null and replaced_by is null as changes from sluice.api_keys"
                   " where id = $1 for update),"
                   " made as (insert into sluice.api_keys (id, name, tier, scopes, expires_at)"
                   " select $2, $3, $4, $5::text[], " +
                       as_time(6) +
                       " from found where found.changes),"
                       " changed as (update sluice.api_keys k set revoked_at = now() + $7::bigint * interval '1 second',"
                       " replaced_by = $2 from found where k.id = found.id and found.changes)"
                       " select changes from found",
                   {std::string{id}, successor.id, successor.name, successor.tier, sql::array_literal(successor.scopes),
                    to_text(successor.expires_at), std::to_string(grace.count())}));
}

KeyChange set_key_tier(const std::string& url, std::string_view id, std::string_view tier) {
    return outcome(run_single(url,
                              "with found as (select id, coalesce(tier_override, tier) <> $2 as changes from sluice.api_keys"
                              " where id = $1 for update),"
                              " changed as (update sluice.api_keys k set tier_override = $2 from found"
                              " where k.id = found.id and found.changes)"
                              " select changes from found",
                              {std::string{id}, std::string{tier}}));
}

}  // namespace sluice::postgres

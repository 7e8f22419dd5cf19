#include "postgres/feed_query.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace sluice::postgres {
namespace {

// How many invalidations a first poll reads back at most, and how many any other brings. Older ones move the horizon up:
// misses, never stale hits. A poll must be answered in time, whatever somebody wrote in one transaction.
constexpr std::size_t read_back = 200'000;
constexpr std::size_t at_once = 20'000;
constexpr std::size_t key_page = 20'000;

const std::string position_columns =
    "select pg_current_snapshot()::text, pg_snapshot_xmin(pg_current_snapshot())::text,"
    " pg_snapshot_xmax(pg_current_snapshot())::text, left(pg_walfile_name(pg_current_wal_lsn()), 8),"
    " (pg_current_wal_lsn() - '0/0'::pg_lsn)::text, pg_postmaster_start_time()::text";

// As KeyException has it: 0 is the past by the primary's clock. A key that has expired is refused by its own text; a day
// more covers clocks that disagree. Those are left out here, not by PostgreSQL, so that a page is a page however many of
// them there are.
const std::string exceptions =
    "select id, changed, case when revoked_at <= clock_timestamp() then 0"
    " else floor(extract(epoch from revoked_at))::bigint end as revoked_from, tier_override,"
    " coalesce(expires_at < now() - interval '1 day', false) as over"
    " from sluice.api_keys where (revoked_at is not null or tier_override is not null)";

const std::string exceptions_after =
    exceptions + " and (changed, id) > ($1::xid8, $2) order by changed, id limit " + std::to_string(key_page);

const std::string new_rows =
    position_columns +
    ", (select horizon::text from sluice.meta),"
    " (select json_agg(json_build_array(id, xid::text::bigint, kind, name) order by id)::text from"
    "  (select * from sluice.invalidation"
    "   where xid >= pg_snapshot_xmin($1::pg_snapshot) and not pg_visible_in_snapshot(xid, $1::pg_snapshot)"
    "   order by xid desc, id desc limit " +
    std::to_string(at_once) + ") newest), (select json_agg(json_build_array(id, revoked_from, tier_override))::text from (" +
    exceptions +
    " and changed >= pg_snapshot_xmin($1::pg_snapshot) and not pg_visible_in_snapshot(changed, $1::pg_snapshot)"
    " limit " +
    std::to_string(at_once) + ") changed_keys)";

const std::string all_rows = position_columns +
                             ", (select horizon::text from sluice.meta),"
                             " (select json_agg(json_build_array(id, xid::text::bigint, kind, name) order by id)::text from"
                             "  (select * from sluice.invalidation order by xid desc limit " +
                             std::to_string(read_back) + ") newest), null";

template <class Integer>
Integer number(const Value& text, int base = 10) {
    Integer value = 0;
    if (text) std::from_chars(text->data(), text->data() + text->size(), value, base);
    return value;
}

Invalidation::Kind kind_of(const std::string& word) {
    if (word == "tag") return Invalidation::Kind::tag;
    return word == "glob" ? Invalidation::Kind::glob : Invalidation::Kind::all;
}

void read_rows(const Row& row, Poll& poll) {
    poll.horizon = number<std::uint64_t>(row.at(6));
    if (row.at(7)) {
        for (const auto& item : nlohmann::json::parse(*row[7])) {
            poll.invalidations.push_back({item.at(0).get<std::int64_t>(), item.at(1).get<std::uint64_t>(),
                                          kind_of(item.at(2).get<std::string>()), item.at(3).get<std::string>()});
        }
    }
    if (row.at(8)) {
        for (const auto& item : nlohmann::json::parse(*row[8])) {
            KeyException key{item.at(0).get<std::string>(), std::nullopt, std::nullopt};
            if (!item.at(1).is_null()) key.revoked_from.emplace(std::chrono::seconds{item.at(1).get<std::int64_t>()});
            if (!item.at(2).is_null()) key.tier = item.at(2).get<std::string>();
            poll.keys.push_back(std::move(key));
        }
    }
}

// One page on from the cursor, behind what the poll has brought: it was read later.
void read_key_page(Connection& connection, FeedPosition& position, Poll& poll, TimePoint limit) {
    const auto rows = connection.execute(exceptions_after, {position.keys->changed, position.keys->id}, limit);
    poll.keys.reserve(poll.keys.size() + rows.size());
    for (const auto& row : rows) {
        if (row.at(4) == "t") continue;
        KeyException key{row.at(0).value_or(""), std::nullopt, row.at(3)};
        if (row.at(2)) key.revoked_from.emplace(std::chrono::seconds{number<std::int64_t>(row[2])});
        poll.keys.push_back(std::move(key));
    }
    if (rows.size() < key_page) {
        position.keys.reset();
    } else {
        position.keys = FeedPosition::KeyCursor{rows.back().at(1).value_or(""), rows.back().at(0).value_or("")};
    }
}

FeedPosition read_position(const Row& row, Poll& poll) {
    poll.xmin = number<std::uint64_t>(row.at(1));
    poll.xmax = number<std::uint64_t>(row.at(2));
    poll.timeline = number<std::uint32_t>(row.at(3), 16);
    poll.lsn = number<std::uint64_t>(row.at(4));
    return {row.at(0).value_or(""), poll.timeline, row.at(5).value_or(""), poll.xmax, FeedPosition::KeyCursor{}};
}

// A crash may give the ids of unfinished transactions out again, so snapshots compare within one incarnation alone.
bool same_incarnation(const FeedPosition& a, const FeedPosition& b) {
    return a.timeline == b.timeline && a.started == b.started && a.xmax <= b.xmax;
}

Rows read(Connection& connection, const FeedPosition& since, TimePoint limit) {
    if (since.snapshot.empty()) return connection.execute(all_rows, limit);
    connection.prepare_once("new_rows", new_rows, limit);
    return connection.execute_prepared("new_rows", {since.snapshot}, limit);
}

}  // namespace

Poll poll_changes(Connection& connection, FeedPosition& last, TimePoint limit) {
    const bool known = !last.snapshot.empty();
    Poll poll;
    poll.sent = Clock::now();
    auto rows = read(connection, last, limit);
    auto position = read_position(rows.at(0), poll);
    if (known && !same_incarnation(last, position)) {
        poll = Poll{};
        poll.restarted = true;
        poll.sent = Clock::now();
        rows = read(connection, {}, limit);
        position = read_position(rows.at(0), poll);
    }
    poll.first = !known || poll.restarted;
    poll.coherent = true;
    read_rows(rows.at(0), poll);
    if (poll.invalidations.size() >= (poll.first ? read_back : at_once)) {
        const auto oldest = std::min_element(poll.invalidations.begin(), poll.invalidations.end(),
                                             [](const auto& a, const auto& b) { return a.xid < b.xid; });
        poll.horizon = std::max(poll.horizon, oldest->xid + 1);
    }
    if (!poll.first) position.keys = last.keys;
    if (poll.keys.size() >= at_once) position.keys = FeedPosition::KeyCursor{};
    poll.keys_from_start = position.keys && position.keys->id.empty();
    if (position.keys) read_key_page(connection, position, poll, limit);
    poll.keys_complete = !position.keys;
    last = std::move(position);
    return poll;
}

Poll poll_log(Connection& connection, FeedPosition& last, TimePoint limit) {
    Poll poll;
    poll.sent = Clock::now();
    const auto rows = connection.execute(position_columns, limit);
    auto position = read_position(rows.at(0), poll);
    position.snapshot.clear();  // should the schema come, everything is new
    poll.restarted = !last.started.empty() && !same_incarnation(last, position);
    last = std::move(position);
    return poll;
}

std::size_t purge_invalidations(Connection& connection, std::chrono::seconds retention, std::size_t most, TimePoint limit) {
    const auto rows = connection.execute(
        "with old as (select id from sluice.invalidation where created_at < now() - $1::bigint * interval '1 second'"
        "  order by created_at limit $2::bigint),"
        " gone as (delete from sluice.invalidation i using old where i.id = old.id returning i.xid),"
        " moved as (update sluice.meta set horizon ="
        "  greatest(horizon, (select (max(xid::text::numeric) + 1)::text::xid8 from gone)) where exists (select from gone))"
        " select count(*)::text from gone",
        {std::to_string(retention.count()), std::to_string(most)}, limit);
    return number<std::size_t>(rows.at(0).at(0));
}

}  // namespace sluice::postgres

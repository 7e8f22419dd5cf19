#include "postgres/schema/feed_query.hpp"

#include "postgres/connection/read_statement.hpp"
#include "postgres/connection/snapshot_text.hpp"
#include "runtime/boot_clock.hpp"
#include "telemetry/log.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace sluice::postgres {
namespace {

// How many invalidations a first poll reads back at most, and how many any other brings. Older ones move the horizon up:
// misses, never stale hits. A poll must be answered in time, whatever somebody wrote in one transaction.
constexpr std::size_t read_back = 200'000;
constexpr std::size_t at_once = 20'000;
constexpr std::size_t key_page = 20'000;

// The statement's snapshot is there before the functions are called. Where the log is *inserted* is behind every commit that
// it contains; where it is written may not be, as a commit may be visible before it is written (synchronous_commit = off).
const std::string position_columns =
    "select pg_current_snapshot()::text, (pg_current_wal_lsn() - '0/0'::pg_lsn)::text,"
    " (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::text";

const std::string schema_columns = ", (select horizon::text from sluice.meta), (select token::text from sluice.incarnation)";

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

/// The rows of `column` that a snapshot did not contain: $1 is its xmax, $2 what was running. A union, so that each half is
/// a look into the index.
std::string not_contained(const std::string& select, const std::string& column) {
    return '(' + select + ' ' + column + " >= $1::xid8 union all " + select + ' ' + column + " = any ($2::xid8[]))";
}

// `purge` is the table's column, or, where the schema is older than version 9, that of `older`: the innermost that there is.
const std::string invalidation_columns = "select id, xid, kind, name, purge from sluice.invalidation where";
const std::string older_schema = "(values (false)) older(purge) cross join lateral ";
const std::string invalidations_as_json =
    ", (select json_agg(json_build_array(id, xid::text::bigint, kind, name, newest.purge) order by id)::text from ";

const std::string new_rows =
    position_columns + schema_columns + invalidations_as_json + older_schema + "(select * from " +
    not_contained(invalidation_columns, "xid") + " fresh order by fresh.purge desc, xid desc, id desc limit " +
    std::to_string(at_once) +
    ") newest), (select json_agg(json_build_array(id, revoked_from, tier_override))::text from (select * from " +
    not_contained(exceptions + " and", "changed") + " changed_since limit " + std::to_string(at_once) + ") changed_keys)";

// However many invalidations came after them, purges are read back: what they took must not be served while the database is
// away, and the horizon forbids only that it is served as fresh.
const std::string all_rows =
    position_columns + schema_columns + invalidations_as_json + older_schema + "((" + invalidation_columns +
    " xid < pg_snapshot_xmax(pg_current_snapshot()) order by xid desc limit " + std::to_string(read_back) + ") union all (" +
    invalidation_columns + " purge and xid < pg_snapshot_xmax(pg_current_snapshot()) order by xid desc limit " +
    std::to_string(read_back) + ")) newest), null";

// A dump that was restored brings rows of transactions that are yet to come here. None of these is ours: what a snapshot
// sees was written by transactions below its xmax.
const std::string strange_rows =
    "select (exists (select from sluice.invalidation where xid >= pg_snapshot_xmax(pg_current_snapshot()))"
    " or exists (select from sluice.meta where horizon > pg_snapshot_xmax(pg_current_snapshot()))"
    " or exists (select from sluice.api_keys where (revoked_at is not null or tier_override is not null)"
    "  and changed >= pg_snapshot_xmax(pg_current_snapshot())))::text";
const std::string repair_strange_rows =
    "delete from sluice.invalidation where xid >= pg_snapshot_xmax(pg_current_snapshot());"
    " update sluice.meta set horizon = pg_snapshot_xmax(pg_current_snapshot())"
    " where horizon > pg_snapshot_xmax(pg_current_snapshot());"
    " update sluice.api_keys set changed = changed where (revoked_at is not null or tier_override is not null)"
    "  and changed >= pg_snapshot_xmax(pg_current_snapshot())";

policy::Invalidation::Kind kind_of(const std::string& word) {
    if (word == "tag") return policy::Invalidation::Kind::tag;
    return word == "glob" ? policy::Invalidation::Kind::glob : policy::Invalidation::Kind::all;
}

void read_rows(const Row& row, Poll& poll) {
    poll.horizon = number<std::uint64_t>(row.at(3));
    if (row.at(5)) {
        for (const auto& item : nlohmann::json::parse(*row[5])) {
            poll.invalidations.push_back({item.at(0).get<std::int64_t>(), item.at(1).get<std::uint64_t>(),
                                          kind_of(item.at(2).get<std::string>()), item.at(3).get<std::string>(),
                                          item.at(4).get<bool>()});
        }
    }
    if (row.at(6)) {
        for (const auto& item : nlohmann::json::parse(*row[6])) {
            policy::KeyException key{item.at(0).get<std::string>(), std::nullopt, std::nullopt};
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
        policy::KeyException key{row.at(0).value_or(""), std::nullopt, row.at(3)};
        if (row.at(2)) key.revoked_from.emplace(std::chrono::seconds{number<std::int64_t>(row[2])});
        poll.keys.push_back(std::move(key));
    }
    if (rows.size() < key_page) {
        position.keys.reset();
    } else {
        position.keys = FeedPosition::KeyCursor{rows.back().at(1).value_or(""), rows.back().at(0).value_or("")};
    }
}

void read_position(const Row& row, Poll& poll) {
    poll.snapshot = parse_snapshot(row.at(0).value_or(""));
    poll.lsn = number<std::uint64_t>(row.at(1));
    poll.insert_lsn = number<std::uint64_t>(row.at(2));
}

/// Who is asked, once in a session. A session that is known cannot have become another's, but behind a pooler there is none.
void know_session(Connection& connection, FeedPosition& last, TimePoint limit) {
    if (last.identity && !connection.pooled()) return;
    const auto identity = ask_identity(connection, limit);
    if (identity.standby) throw ConnectionLost{"it is a standby, not the primary"};
    if (last.identity == identity) return;
    last.token = 0;
    last.identity = identity;
}

void repair(Connection& connection, TimePoint limit) {
    if (connection.execute(strange_rows, limit).at(0).at(0) != "true") return;
    try {
        connection.execute(repair_strange_rows, limit);
        log::warning("restored_rows_removed", {{"reason", "sluice held rows of transactions that are yet to come"}});
    } catch (const SqlError& error) {
        log::warning("restored_rows_kept", {{"error", error.what()}});  // they cost time, and misses
    }
}

/// And the token.
std::pair<Poll, std::uint64_t> ask_rows(Connection& connection, const FeedPosition& last, bool all, TimePoint limit) {
    Poll poll;
    poll.asleep = runtime::asleep();
    poll.sent = Clock::now();
    Rows rows;
    if (all) {
        rows = connection.execute(all_rows, limit);
    } else {
        connection.prepare_once("new_rows", new_rows, limit);
        rows = connection.execute_prepared("new_rows", {std::to_string(last.snapshot.xmax), running_literal(last.snapshot)},
                                           limit);
    }
    poll.first = all;
    poll.coherent = true;
    read_position(rows.at(0), poll);
    read_rows(rows.at(0), poll);
    return {std::move(poll), number<std::uint64_t>(rows[0].at(4))};
}

void move_on(FeedPosition& last, const Poll& poll) {
    last.history = poll.history;
    last.snapshot = poll.snapshot;
    last.insert_lsn = poll.insert_lsn;
}

}  // namespace

Poll poll_changes(Connection& connection, FeedPosition& last, TimePoint limit) {
    know_session(connection, last, limit);
    if (last.token == 0) last.token = ensure_token(connection, limit);
    const auto history = [&] { return history_of(*last.identity, last.token); };
    const bool continues = history() == last.history;
    if (!continues) repair(connection, limit);
    auto [poll, token] = ask_rows(connection, last, !continues, limit);
    const bool went_back = continues && (poll.snapshot.xmax < last.snapshot.xmax || poll.insert_lsn < last.insert_lsn);
    if (went_back || token != last.token) {
        // The machine was set back to an earlier state with all that runs on it, or somebody has found so, or the schema is
        // new.
        last.token = went_back ? replace_token(connection, last.token, limit) : ensure_token(connection, limit);
        poll = ask_rows(connection, last, true, limit).first;
    }
    if (connection.pooled() && ask_identity(connection, limit) != *last.identity)
        throw ConnectionLost{"another server answers behind the pooler"};
    poll.identity = *last.identity;
    poll.history = history();
    poll.restarted = last.history != 0 && poll.history != last.history;
    if (poll.invalidations.size() >= (poll.first ? read_back : at_once)) {
        // Purges are brought in any case, so that the oldest of them says nothing about the others.
        auto oldest = poll.snapshot.xmax;
        for (const auto& row : poll.invalidations) oldest = row.purge ? oldest : std::min(oldest, row.xid);
        poll.horizon = std::max(poll.horizon, oldest + 1);
    }
    auto position = last;
    if (poll.first || poll.keys.size() >= at_once) position.keys = FeedPosition::KeyCursor{};
    poll.keys_from_start = position.keys && position.keys->id.empty();
    if (position.keys) read_key_page(connection, position, poll, limit);
    poll.keys_complete = !position.keys;
    move_on(position, poll);
    last = std::move(position);
    return poll;
}

Poll poll_log(Connection& connection, FeedPosition& last, TimePoint limit) {
    know_session(connection, last, limit);
    Poll poll;
    poll.asleep = runtime::asleep();
    poll.sent = Clock::now();
    const auto rows = connection.execute(position_columns, limit);
    read_position(rows.at(0), poll);
    poll.identity = *last.identity;
    poll.history = history_of(*last.identity, 0);
    poll.restarted = last.history != 0 && last.history != poll.history;
    move_on(last, poll);
    last.keys = FeedPosition::KeyCursor{};  // should the schema come, everything is new
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

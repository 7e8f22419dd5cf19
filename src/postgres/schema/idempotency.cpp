#include "postgres/schema/idempotency.hpp"

#include "postgres/connection/statement_name.hpp"

#include <openssl/sha.h>

#include <array>
#include <charconv>
#include <string_view>

namespace sluice::postgres {
namespace {

// How long an answer is given again.
constexpr std::string_view lifetime = "interval '24 hours'";

const std::string look_up_sql =
    "select payload_hash = decode($4, 'hex'), status::text, body from sluice.idempotency"
    " where caller = $1 and route = $2 and key = $3 and created_at > now() - " +
    std::string{lifetime};

// A row whose time is over makes room. One that is not cannot be there: whoever wrote it held the lock.
const std::string keep_sql =
    "insert into sluice.idempotency as present (caller, route, key, payload_hash, status, body)"
    " values ($1, $2, $3, decode($4, 'hex'), $5::int, $6) on conflict (caller, route, key) do update set"
    " payload_hash = excluded.payload_hash, status = excluded.status, body = excluded.body, xid = excluded.xid,"
    " created_at = excluded.created_at where present.created_at <= now() - " +
    std::string{lifetime} + " returning 1";

const std::string look_up_name = statement_name(look_up_sql);
const std::string keep_name = statement_name(keep_sql);

// Each text says its length first, so that no two triples are written alike.
void add(std::string& to, std::string_view text) { to.append(std::to_string(text.size())).append(1, ':').append(text); }

bool is_about_the_table(const SqlError& error) { return judge(error.sqlstate()) == Verdict::no_bookkeeping; }

}  // namespace

std::int64_t lock_number(const IdempotencyKey& key) {
    std::string text;
    for (const auto* part : {&key.caller, &key.route, &key.key}) add(text, *part);
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < sizeof number; ++i) number = number << 8 | digest[i];
    return static_cast<std::int64_t>(number);
}

bool KeptAnswers::prepare(TimePoint limit) {
    if (prepared_) return true;
    try {
        connection_.prepare(look_up_name, look_up_sql, limit);
        connection_.prepare(keep_name, keep_sql, limit);
    } catch (const SqlError& error) {
        connection_.forget(look_up_name);  // whichever of them was made
        if (!is_about_the_table(error)) throw;
        return false;
    }
    return prepared_ = true;
}

KeptAnswers::Found KeptAnswers::find(const IdempotencyKey& key, TimePoint limit) {
    using What = Found::What;
    // A statement of its own: the one that looks must take its snapshot when the lock is held. Whoever held it before had
    // committed, visibly, when it was released.
    const auto locked =
        connection_.execute("select pg_try_advisory_xact_lock(" + std::to_string(lock_number(key)) + ")", limit);
    if (locked.at(0).at(0) != "t") return {What::in_flight, {}};
    Rows rows;
    try {
        rows = connection_.execute_prepared(look_up_name, {key.caller, key.route, key.key, key.payload_hash}, limit);
    } catch (const SqlError& error) {
        if (!is_about_the_table(error)) throw;
        return {What::no_table, {}};
    }
    if (rows.empty()) return {What::fresh, {}};
    auto& row = rows.front();
    if (row.at(0) != "t") return {What::other_payload, {}};
    Found found{What::kept, {0, std::move(row.at(2))}};
    const auto& status = row.at(1).value();
    std::from_chars(status.data(), status.data() + status.size(), found.answer.status);
    return found;
}

bool KeptAnswers::keep(const IdempotencyKey& key, const KeptAnswer& answer, TimePoint limit) {
    try {
        const auto rows = connection_.execute_prepared(
            keep_name, {key.caller, key.route, key.key, key.payload_hash, std::to_string(answer.status), answer.body},
            limit);
        // Only where transactions see what they saw at first (`default_transaction_isolation`): run again, it is found.
        if (rows.empty()) throw SqlError{"another transaction has used the idempotency key", "40001"};
    } catch (const SqlError& error) {
        if (!is_about_the_table(error)) throw;
        return false;
    }
    return true;
}

std::size_t purge_kept_answers(Connection& connection, std::size_t most, TimePoint limit) {
    try {
        const auto rows = connection.execute(
            "with gone as (delete from sluice.idempotency where ctid = any (array(select ctid from sluice.idempotency"
            " where created_at <= now() - " +
                std::string{lifetime} +
                " order by created_at limit $1::bigint for update skip locked)) returning 1)"
                " select count(*)::text from gone",
            {std::to_string(most)}, limit);
        std::size_t gone = 0;
        const auto& text = rows.at(0).at(0).value();
        std::from_chars(text.data(), text.data() + text.size(), gone);
        return gone;
    } catch (const SqlError& error) {
        if (!is_about_the_table(error)) throw;
        return 0;
    }
}

}  // namespace sluice::postgres

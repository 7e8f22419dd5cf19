#include "postgres/workers/session.hpp"

#include "postgres/connection/snapshot_text.hpp"
#include "postgres/connection/statement_name.hpp"
#include "postgres/workers/condition_check.hpp"
#include "postgres/workers/once_only.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::postgres {
namespace {

using std::chrono::milliseconds;

// A statement that took as long may have waited for a lock, behind which its tables have changed. To look costs a small part
// of that.
constexpr Duration perhaps_locked = milliseconds{5};
const std::string commit = "commit";
// Each statement has a snapshot of its own, whatever the role's default: on a standby one that was taken before it said how
// far it is would be older than that.
constexpr auto read_only_settings =
    "set default_transaction_read_only = on; set default_transaction_isolation = 'read committed'; ";
// In one round trip. Not the transaction's own id: a client's earlier writes may have higher ones.
const std::string position_query = "select pg_current_snapshot()::text, (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::text";
// Null once it is no standby any more.
const std::string replayed_query =
    "select case when pg_is_in_recovery() then (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::text end";

std::string bookkeeping_query(bool read_only) {
    std::string query =
        "select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = 'sluice' and c.relname = 'invalidation' and has_schema_privilege(n.oid, 'usage')"
        " and has_table_privilege(c.oid, 'select')";
    if (!read_only) query += " and has_table_privilege(c.oid, 'insert')";
    return query + ")";
}

// A page's cursor holds values as text, which must mean the same when it comes back: to another session, or server.
std::string settings_of_values(const std::string& set) {
    return set + "standard_conforming_strings = on; " + set + "datestyle = iso; " + set + "extra_float_digits = 1; ";
}

bool is_true(const Rows& rows) { return !rows.empty() && rows.front().front() == "t"; }

HistoryPosition position_in(const Rows& rows, HistoryId history) {
    return {history, parse_snapshot(rows.at(0).at(0).value_or("")), number<std::uint64_t>(rows.at(0).at(1))};
}

}  // namespace

milliseconds coarse_timeout(Duration remaining, Duration longest) noexcept {
    constexpr std::array<std::int64_t, 6> steps{10, 15, 20, 30, 50, 70};
    const auto needed = std::chrono::ceil<milliseconds>(std::max(Duration::zero(), std::min(remaining, longest))).count();
    const auto most = std::max<std::int64_t>(1, std::chrono::ceil<milliseconds>(longest).count());
    for (std::int64_t decade = 1; decade < most; decade *= 10) {
        for (const auto step : steps) {
            if (step * decade >= needed) return milliseconds{std::min(step * decade, most)};
        }
    }
    return milliseconds{most};
}

Session::Session(const Settings& settings, Watchdog& watchdog, TimePoint limit)
    : settings_{settings},
      connection_{settings.url, watchdog, limit},
      statement_timeout_{coarse_timeout(settings.timeout, settings.timeout)} {
    std::string set;
    if (!connection_.pooled()) {
        set = settings_of_values("set ") + "set statement_timeout = " + std::to_string(statement_timeout_.count()) + "; " +
              (settings_.read_only ? read_only_settings : "");
    }
    const auto rows = connection_.execute(set + bookkeeping_query(settings_.read_only), limit);
    bookkeeping_.there = is_true(rows);
    bookkeeping_.looked_at = Clock::now();
    know_server(limit);
}

// Once: a session ends with its server's history, unless it is a standby's.
void Session::know_server(TimePoint limit) {
    if (settings_.primary == nullptr) return;
    identity_ = ask_identity(connection_, limit);
    if (identity_.standby) {
        if (settings_.to_primary) throw ConnectionLost{"it is a standby, not the primary"};
        connection_.prepare_once(replayed_name(), replayed_query, limit);
        return;
    }
    std::uint64_t token = 0;
    if (bookkeeping_.there) {
        try {
            token = ensure_token(connection_, limit);
        } catch (const SqlError& error) {
            if (judge(error.sqlstate()) != Verdict::no_bookkeeping) throw;
            bookkeeping_.there = false;  // an old schema
        }
    }
    history_ = history_of(identity_, token);
}

const std::string& Session::replayed_name() {
    static const std::string name = statement_name(replayed_query);
    return name;
}

LabelSource::Kind Session::labels() const noexcept {
    using Kind = LabelSource::Kind;
    if (settings_.primary == nullptr) return Kind::none;
    if (identity_.standby) return connection_.pooled() ? Kind::none : Kind::replayed;  // the next statement may go elsewhere
    return bookkeeping_.there && history_ == settings_.primary->history() ? Kind::snapshot : Kind::none;
}

LabelSource Session::label_source(const Value& replayed) const {
    LabelSource source{labels(), history_};
    if (source.kind == LabelSource::Kind::replayed && replayed)
        source.replayed = settings_.primary->label_at(number<std::uint64_t>(replayed), identity_);
    return source;
}

// Its control file tells of another primary that it follows, sooner or later.
Value Session::ask_replayed(TimePoint limit) {
    if (settings_.primary->standing_of(identity_) == Standing::other_timeline &&
        Clock::now() - bookkeeping_.looked_at >= look_again) {
        identity_ = ask_identity(connection_, limit);
        bookkeeping_.looked_at = Clock::now();
    }
    return connection_.execute_prepared(replayed_name(), {}, limit).at(0).at(0);
}

QueryResult Session::read(std::uint64_t id, const sql::Statement& statement, const Query& query, TimePoint deadline) {
    const auto now = Clock::now();
    const auto timeout = coarse_timeout(deadline - now, settings_.timeout);
    const auto limit = now + timeout + patience;
    need_timeout(timeout, limit);
    forget_unknown();
    const auto& spec = statement.spec();
    if (!spec.labelled) {
        auto rows = run_read(id, statement, query, limit);
        return take_result(spec, rows);
    }
    look_again_if_due(now, limit);
    // First: what is read after that is no older.
    const auto replayed = labels() == LabelSource::Kind::replayed ? ask_replayed(limit) : Value{};
    const auto source = label_source(replayed);
    auto rows = run_read(id, statement, query, limit);
    return take_labelled_result(spec, rows, source);
}

// A text that is outdated is prepared anew at once: nobody has to be told.
Rows Session::run_read(std::uint64_t id, const sql::Statement& statement, const Query& query, TimePoint limit) {
    for (bool again = false;;) {
        const auto text = prepared({id, sql::step_to(query.page)}, statement, limit);
        const auto values = arguments(statement, text->second.hints, query);
        const auto started = Clock::now();
        try {
            auto rows = connection_.pooled() ? run_pooled_read(text->second.name, values, limit)
                                             : connection_.execute_prepared(text->second.name, values, limit);
            const bool waited = Clock::now() - started >= perhaps_locked;
            if (again || !waited || !is_outdated(text->second.generation, limit)) return rows;
        } catch (const SqlError& error) {
            if (learn(text, statement, error)) continue;
            if (again || !may_do_better(text, error, limit)) throw;
        }
        again = true;
    }
}

Rows Session::run_pooled_read(const std::string& name, const Row& values, TimePoint limit) {
    connection_.execute("begin isolation level read committed read only; " + settings_of_values("set local ") +
                            "set local statement_timeout = " + std::to_string(statement_timeout_.count()) + "; " +
                            Connection::keep_transaction_out(),
                        limit);
    try {
        auto rows = connection_.execute_prepared(name, values, limit);
        connection_.execute(commit, limit);
        return rows;
    } catch (const SqlError&) {
        roll_back(limit);
        throw;
    }
}

void Session::ensure_takes_writes(TimePoint limit) {
    const auto rows =
        connection_.execute("select pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'", limit);
    if (is_true(rows)) throw ConnectionLost{"it is a standby, not the primary"};
    if (rows.at(0).at(1) == "t") throw TakesNoWrites{};
}

bool Session::has_reached(const HistoryPosition& position, TimePoint limit) {
    if (settings_.to_primary) return true;
    if (settings_.primary == nullptr || connection_.pooled()) return false;
    if (settings_.primary->standing_of(identity_) != Standing::standby) return false;
    if (replayed_ < position.lsn) replayed_ = number<std::uint64_t>(ask_replayed(limit));
    return replayed_ >= position.lsn;
}

Written Session::write(std::uint64_t id, const sql::Statement& statement, const Query& query, const sql::Statement* shown,
                       TimePoint deadline) {
    const auto now = Clock::now();
    // Exact, as it is sent with every transaction: a write must not go on when nobody waits for it.
    const auto remaining = std::chrono::ceil<milliseconds>(std::min<Duration>(deadline - now, settings_.timeout));
    const auto timeout = std::max(remaining, milliseconds{1});
    const auto limit = now + timeout + patience;
    forget_unknown();
    for (bool again = false;;) {
        try {
            ran_ = {id};
            return write_once(id, statement, query, shown, timeout, deadline, limit);
        } catch (const SqlError& error) {
            const auto text = texts_.find(ran_);
            if (text == texts_.end()) throw;
            if (learn(text, ran_.id == id ? statement : *shown, error)) continue;
            if (std::exchange(again, true) || !may_do_better(text, error, limit)) throw;
        }
    }
}

Written Session::write_once(std::uint64_t id, const sql::Statement& statement, const Query& query,
                            const sql::Statement* shown, milliseconds timeout, TimePoint deadline, TimePoint limit) {
    if (query.invalidates || query.tell_position) look_again_if_due(Clock::now(), limit);
    auto participants = participants_of(query, statement.spec().result, shown);
    if (auto ended = participants.prepare(limit)) return answer_of(std::move(*ended), query.tell_position, limit);
    const bool tagged = query.invalidates && bookkeeping_.there && !statement.spec().tag_columns.empty();
    const auto text = prepared_write(id, statement, tagged, limit);
    connection_.execute(
        (query.condition ? "begin isolation level serializable; " : "begin; ") +
            (connection_.pooled() ? settings_of_values("set local ") + Connection::keep_transaction_out() + "; " : "") +
            "set local statement_timeout = " + std::to_string(timeout.count()),
        limit);
    Written written;
    try {
        if (auto ended = participants.before(limit)) {
            roll_back(limit);
            return answer_of(std::move(*ended), query.tell_position, limit);
        }
        const auto started = Clock::now();
        auto rows = run_in_write(text, arguments(statement, text->second.hints, query), limit);
        if (Clock::now() - started >= perhaps_locked && is_outdated(text->second.generation, limit))
            throw SqlError{"a table has changed meanwhile", "40001"};  // to be repeated
        written.result = take_result(statement.spec(), rows);
        participants.after_statement(written, rows, limit);
        if (auto ended = participants.before_commit(written, limit)) {
            roll_back(limit);
            return answer_of(std::move(*ended), query.tell_position, limit);
        }
        if (Clock::now() >= deadline) throw SqlError{"the deadline passed before the commit", "57014"};
    } catch (const ConnectionLost&) {
        throw;
    } catch (...) {
        roll_back(limit);
        throw;
    }
    try {
        if (!query.tell_position) {
            connection_.execute(commit, limit);
        } else if (const auto rows = connection_.execute_then(commit, position_query, limit)) {
            written.result.position = position_in(*rows, history_);
        }
    } catch (const ConnectionLost& error) {
        throw OutcomeUnknown{error.what()};
    }  // an SqlError, e.g. of a deferred constraint: it was rolled back
    return written;
}

// The key comes before the condition: if the write has been done, its answer is given again whatever holds now.
WriteParticipants Session::participants_of(const Query& query, ResultShape shape, const sql::Statement* shown) {
    WriteParticipants participants;
    if (query.invalidates) participants.add(std::make_unique<InvalidationRows>(connection_, bookkeeping_, query, shape));
    if (query.idempotency) participants.add(std::make_unique<OnceOnly>(kept_answers_, *query.idempotency));
    if (!query.condition) return participants;
    const auto& read = query.condition->read;
    const TextKey key{read.statement.number(), sql::step_to(read.page)};
    const auto prepare = [this, key, shown](TimePoint limit) { prepared(key, *shown, limit); };
    const auto run = [this, key, shown, &read](TimePoint limit) {
        const auto text = texts_.find(key);
        auto rows = run_in_write(text, arguments(*shown, text->second.hints, read), limit);
        return take_result(shown->spec(), rows);
    };
    participants.add(std::make_unique<ConditionCheck>(*query.condition, ConditionCheck::Shown{prepare, run}));
    return participants;
}

// That it is not known takes nothing from what was written.
std::optional<HistoryPosition> Session::ask_position(TimePoint limit) {
    try {
        return position_in(connection_.execute(position_query, limit), history_);
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

void Session::roll_back(TimePoint limit) {
    try {
        connection_.execute("rollback", limit);
    } catch (const std::exception&) {
        // The connection is broken then, and rolls back by ending.
    }
}

Written Session::answer_of(Ended ended, bool tell_position, TimePoint limit) {
    Written written;
    std::optional<HistoryPosition> position;
    if (tell_position && ended.tells_position) position = ask_position(limit);
    if (ended.refused) {
        written.refused = std::move(ended.refused);
        written.refused->position = std::move(position);
        return written;
    }
    written.result.kept = std::move(ended.kept);
    written.result.replayed = true;
    written.result.position = std::move(position);
    return written;
}

void Session::look_for_bookkeeping(TimePoint limit) {
    bookkeeping_.there = is_true(connection_.execute(bookkeeping_query(settings_.read_only), limit));
    bookkeeping_.looked_at = Clock::now();
    know_server(limit);
}

// Where nothing can be labelled or recorded, and when the database has begun a new history under a session that lasts.
void Session::look_again_if_due(TimePoint now, TimePoint limit) {
    const auto known = settings_.primary != nullptr ? settings_.primary->history() : HistoryId{0};
    const bool other_history = known != 0 && !identity_.standby && history_ != known;
    if ((!bookkeeping_.there || other_history) && now - bookkeeping_.looked_at >= look_again) look_for_bookkeeping(limit);
}

void Session::need_timeout(milliseconds timeout, TimePoint limit) {
    if (timeout == statement_timeout_) return;
    connection_.set_up("set statement_timeout = " + std::to_string(timeout.count()), limit);
    statement_timeout_ = timeout;
}

}  // namespace sluice::postgres

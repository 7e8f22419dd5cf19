#include "postgres/workers/session.hpp"

#include "postgres/connection/snapshot_text.hpp"
#include "postgres/connection/statement_name.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::postgres {
namespace {

using std::chrono::milliseconds;

// A statement that took as long may have waited for a lock, behind which its tables have changed. To look costs a small part
// of that.
constexpr Duration perhaps_locked = milliseconds{5};
const std::string record_text =
    "insert into sluice.invalidation (kind, name) select 'tag', unnest($1::text[]) returning id, xid::text, name";
const std::string record_name = statement_name(record_text);
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

Session::Written refused(DatabaseError::Kind kind, std::string message) {
    Session::Written written;
    written.refused = DatabaseError{kind, {}, std::move(message)};
    return written;
}

Session::Written keys_not_kept() {
    return refused(DatabaseError::Kind::keys_not_kept,
                   "no table sluice.idempotency, or no right to it: run `sluice migrate`");
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
    bookkeeping_ = is_true(rows);
    looked_at_ = Clock::now();
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
    if (bookkeeping_) {
        try {
            token = ensure_token(connection_, limit);
        } catch (const SqlError& error) {
            if (judge(error.sqlstate()) != Verdict::no_bookkeeping) throw;
            bookkeeping_ = false;  // an old schema
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
    return bookkeeping_ && history_ == settings_.primary->history() ? Kind::snapshot : Kind::none;
}

LabelSource Session::label_source(const Value& replayed) const {
    LabelSource source{labels(), history_};
    if (source.kind == LabelSource::Kind::replayed && replayed)
        source.replayed = settings_.primary->label_at(number<std::uint64_t>(replayed), identity_);
    return source;
}

// Its control file tells of another primary that it follows, sooner or later.
Value Session::ask_replayed(TimePoint limit) {
    if (settings_.primary->standing_of(identity_) == Standing::other_timeline && Clock::now() - looked_at_ >= look_again) {
        identity_ = ask_identity(connection_, limit);
        looked_at_ = Clock::now();
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

Session::Written Session::write(std::uint64_t id, const sql::Statement& statement, const Query& query,
                                const sql::Statement* shown, TimePoint deadline) {
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

Session::Written Session::write_once(std::uint64_t id, const sql::Statement& statement, const Query& query,
                                     const sql::Statement* shown, milliseconds timeout, TimePoint deadline,
                                     TimePoint limit) {
    if (query.invalidates || query.tell_position) look_again_if_due(Clock::now(), limit);
    if (query.invalidates) prepare_record(limit);
    const auto* once = query.idempotency ? &*query.idempotency : nullptr;
    if (once && !kept_answers_.prepare(limit)) return keys_not_kept();
    const auto* condition = query.condition.get();
    // Prepared before the transaction begins, which a refused text would abort.
    std::optional<Texts::iterator> shown_text;
    if (condition)
        shown_text = prepared({condition->read.statement.number(), sql::step_to(condition->read.page)}, *shown, limit);
    const bool tagged = query.invalidates && bookkeeping_ && !statement.spec().tag_columns.empty();
    const auto text = prepared_write(id, statement, tagged, limit);
    const auto shape = statement.spec().result;

    connection_.execute(
        (condition ? "begin isolation level serializable; " : "begin; ") +
            (connection_.pooled() ? settings_of_values("set local ") + Connection::keep_transaction_out() + "; " : "") +
            "set local statement_timeout = " + std::to_string(timeout.count()),
        limit);
    Written written;
    try {
        if (once) {
            auto found = kept_answers_.find(*once, limit);
            if (found.what != KeptAnswers::Found::What::fresh)
                return roll_back_for(std::move(found), query.tell_position, limit);
        }
        if (condition && !holds(*condition, *shown, *shown_text, limit)) {
            roll_back(limit);
            auto failed = refused(DatabaseError::Kind::precondition_failed, "its condition does not hold");
            if (query.tell_position && failed.refused) failed.refused->position = ask_position(limit);
            return failed;
        }
        const auto started = Clock::now();
        auto rows = run_in_write(text, arguments(statement, text->second.hints, query), limit);
        if (Clock::now() - started >= perhaps_locked && is_outdated(text->second.generation, limit))
            throw SqlError{"a table has changed meanwhile", "40001"};  // to be repeated
        written.result = take_result(statement.spec(), rows);
        if (query.invalidates) {
            std::string_view first_row;
            if (shape == ResultShape::one) first_row = written.result.json;
            if (shape == ResultShape::many && rows.at(0).at(1)) first_row = *rows[0][1];
            const bool has_tags = !rows.empty() && rows[0].size() > (shape == ResultShape::many ? 2U : 1U);
            if (has_tags && rows[0].back()) first_row = *rows[0].back();
            const auto tags = query.invalidates(first_row);
            if (bookkeeping_ && !tags.empty()) written.invalidations = record(tags, limit);
        }
        if (once) {
            written.result.kept = once->answer(written.result);
            if (!kept_answers_.keep(*once, *written.result.kept, limit)) {
                return roll_back_for({KeptAnswers::Found::What::no_table, {}}, query.tell_position, limit);
            }
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

std::vector<policy::Invalidation> Session::record(const std::vector<std::string>& tags, TimePoint limit) {
    Rows rows;
    try {
        rows = connection_.execute_prepared(record_name, {sql::array_literal(tags)}, limit);
    } catch (const SqlError& error) {
        // The schema went away under us. The transaction is lost, but run again it goes through without rows.
        if (judge(error.sqlstate()) != Verdict::no_bookkeeping) throw;
        bookkeeping_ = false;
        looked_at_ = Clock::now();
        throw SqlError{error.what(), "40001"};
    }
    std::vector<policy::Invalidation> recorded;
    for (auto& row : rows) {
        recorded.push_back({number<std::int64_t>(row.at(0)), number<std::uint64_t>(row.at(1)),
                            policy::Invalidation::Kind::tag, row.at(2).value_or("")});
    }
    return recorded;
}

void Session::prepare_record(TimePoint limit) {
    if (!bookkeeping_) return;
    try {
        connection_.prepare_once(record_name, record_text, limit);
    } catch (const SqlError& error) {
        if (judge(error.sqlstate()) != Verdict::no_bookkeeping) throw;
        bookkeeping_ = false;
        looked_at_ = Clock::now();
    }
}

bool Session::holds(const Condition& condition, const sql::Statement& shown, Texts::iterator text, TimePoint limit) {
    auto rows = run_in_write(text, arguments(shown, text->second.hints, condition.read), limit);
    return condition.holds(take_result(shown.spec(), rows));
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

Session::Written Session::roll_back_for(KeptAnswers::Found found, bool tell_position, TimePoint limit) {
    using What = KeptAnswers::Found::What;
    roll_back(limit);
    if (found.what == What::in_flight) return refused(DatabaseError::Kind::in_flight, "its idempotency key is in use");
    if (found.what == What::other_payload)
        return refused(DatabaseError::Kind::other_payload, "its idempotency key was used for something else");
    if (found.what == What::no_table) return keys_not_kept();
    Written written;
    written.result.kept = std::move(found.answer);
    written.result.replayed = true;
    // After the first one's, so it covers that.
    if (tell_position) written.result.position = ask_position(limit);
    return written;
}

void Session::look_for_bookkeeping(TimePoint limit) {
    bookkeeping_ = is_true(connection_.execute(bookkeeping_query(settings_.read_only), limit));
    looked_at_ = Clock::now();
    know_server(limit);
}

// Where nothing can be labelled or recorded, and when the database has begun a new history under a session that lasts.
void Session::look_again_if_due(TimePoint now, TimePoint limit) {
    const auto known = settings_.primary != nullptr ? settings_.primary->history() : HistoryId{0};
    const bool other_history = known != 0 && !identity_.standby && history_ != known;
    if ((!bookkeeping_ || other_history) && now - looked_at_ >= look_again) look_for_bookkeeping(limit);
}

void Session::need_timeout(milliseconds timeout, TimePoint limit) {
    if (timeout == statement_timeout_) return;
    connection_.set_up("set statement_timeout = " + std::to_string(timeout.count()), limit);
    statement_timeout_ = timeout;
}

}  // namespace sluice::postgres

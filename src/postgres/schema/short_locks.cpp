#include "postgres/schema/short_locks.hpp"

#include "sql/statement.hpp"

#include <thread>

namespace sluice::postgres {
namespace {

constexpr Duration longest_try = std::chrono::seconds{60};
constexpr Duration pause = std::chrono::seconds{1};  // in which those go on who waited behind

// Of others' transactions the oldest ones. The advisory lock is that of migrations (see schema.cpp).
const std::string who_holds =
    "with held as (select distinct l.pid from pg_locks l where l.granted and l.pid is distinct from pg_backend_pid()"
    " and (l.locktype = 'relation' and l.database = (select oid from pg_database where datname = current_database())"
    " and l.relation = any (select to_regclass(name) from unnest($1::text[]) name)"
    " and ($2::boolean or l.mode not in ('AccessShareLock', 'RowShareLock'))"
    " or l.locktype = 'advisory' and l.classid = 1 and l.objid = 2725223119))"
    " select coalesce(string_agg(case when held.pid is null then 'a prepared transaction (see pg_prepared_xacts)'"
    " else 'pid ' || held.pid || coalesce(' (' || nullif(concat_ws(', ', nullif(a.application_name, ''), a.state,"
    " 'since ' || to_char(a.xact_start at time zone 'UTC', 'HH24:MI:SS') || ' UTC'), '') || ')', '') end, ', '"
    " order by a.xact_start), 'nobody any more') from held left join pg_stat_activity a on a.pid = held.pid";

bool was_locked_out(const SqlError& error) noexcept {
    return error.sqlstate() == "55P03" || error.sqlstate() == "40P01";  // lock_not_available, deadlock_detected
}

std::string holders(Connection& connection, const NeededLocks& locks) {
    const auto rows = connection.execute(who_holds, {sql::array_literal(locks.tables), locks.exclusive ? "t" : "f"},
                                         Clock::now() + longest_try);
    return rows.at(0).at(0).value_or("");
}

}  // namespace

void run_with_short_locks(Connection& connection, const NeededLocks& locks, const LockWaiting& waiting,
                          const std::function<void(TimePoint limit)>& work) {
    const auto end = Clock::now() + waiting.patience;
    for (bool told = false;; told = true) {
        const auto limit = Clock::now() + longest_try;
        try {
            connection.execute("begin; set local statement_timeout = '50s'; set local lock_timeout = " +
                                   std::to_string(lock_timeout.count()),
                               limit);
            work(limit);
            connection.execute("commit", limit);
            return;
        } catch (const SqlError& error) {
            connection.execute("rollback", limit);
            if (!was_locked_out(error)) throw;
        }
        if (Clock::now() + pause >= end) {
            throw LockedOut{"no lock on " + locks.what + " in time, and nothing was changed there: it is held by " +
                            holders(connection, locks) + "; end that transaction, and run it again"};
        }
        if (!told && waiting.tell) {
            waiting.tell("waiting for a lock on " + locks.what + ", without keeping others waiting: it is held by " +
                         holders(connection, locks));
        }
        std::this_thread::sleep_for(pause);
    }
}

}  // namespace sluice::postgres

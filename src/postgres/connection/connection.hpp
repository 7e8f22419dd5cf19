// One connection to one server, used by one thread at a time. Hides libpqxx and libpq: results are plain strings, errors are
// ConnectionLost and SqlError.
#pragma once

#include "postgres/connection/errors.hpp"
#include "postgres/connection/watchdog.hpp"
#include "sluice/deadline.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

struct pg_conn;
struct pg_result;

namespace sluice::postgres {

/// In text form; nothing is NULL.
using Value = std::optional<std::string>;
using Row = std::vector<Value>;
using Rows = std::vector<Row>;

/// Owns a result of libpq's.
struct ClearResult {
    void operator()(pg_result* result) const noexcept;
};
using ResultPointer = std::unique_ptr<pg_result, ClearResult>;

/// Of a result of libpq's in text form.
Rows to_rows(const pg_result& result);
/// The values as libpq takes them; valid as long as the row.
std::vector<const char*> pointers(const Row& values);

/// Of a result that is an error.
SqlError error_in(const pg_result& result);
/// Whether the error is the session's last word: of severity FATAL or PANIC, or libpq's own.
bool ends_session(const pg_result& error);

class Connection {
public:
    /// Connects within the URL's connect_timeout (default 3 s), but not beyond `limit`. Unqualified names never mean what is
    /// in the schema `sluice`. The URL may be one of `behind_pooler`. Throws ConnectionLost.
    Connection(const std::string& url, Watchdog& watchdog, TimePoint limit = TimePoint::max());
    ~Connection();
    /// For a transaction behind a pooler: unqualified names never mean what is in the schema `sluice`.
    static const std::string& keep_transaction_out();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // A call that has not returned by `limit` is ended: ConnectionLost. After that the connection is of no more use.

    /// Whether each transaction may be another server connection's. Then nothing of a session lasts: texts are sent anew
    /// with their values, and settings are those of a transaction.
    bool pooled() const noexcept { return pooled_; }
    /// Settings of the session that only make what follows cheaper. Behind a pooler they would be others'.
    void set_up(const std::string& sql, TimePoint limit) {
        if (!pooled_) execute(sql, limit);
    }

    /// One or more statements in one round trip, in one transaction unless they say otherwise; the last one's rows.
    Rows execute(const std::string& sql, TimePoint limit);
    /// One statement with `$k`.
    Rows execute(const std::string& sql, const Row& values, TimePoint limit);

    /// Two statements in one round trip. Throws as if there were only the first; nothing if only the second failed.
    std::optional<Rows> execute_then(const std::string& first, const std::string& second, TimePoint limit);

    /// Throws SqlError if PostgreSQL refuses the text; then `name` stays free. Behind a pooler it is refused when it is run.
    void prepare(const std::string& name, const std::string& sql, TimePoint limit);
    /// The same, unless it has been done. The server knows it by its `statement_name`.
    void prepare_once(const std::string& name, const std::string& sql, TimePoint limit);
    void forget(const std::string& name) noexcept;
    Rows execute_prepared(const std::string& name, const Row& values, TimePoint limit);

    /// Whether nothing has gone wrong and the server has not hung up or announced that it will. Costs a system call.
    bool usable() const noexcept;

    /// The id of the server's process at the other end. Behind a pooler it is anybody's.
    int backend() const noexcept;

    /// While `watch` is there, the connection ends when the watchdog is interrupted or stops: for one that is driven by
    /// other means. It must not outlive the connection.
    void hold(std::optional<Watchdog::Watch>& watch) const { watch.emplace(watchdog_, socket_, TimePoint::max()); }
    /// Of a duplicate that libpq does not know of.
    int socket() const noexcept { return socket_; }

    /// For what libpqxx does not offer.
    ::pg_conn* native() const noexcept;
    /// Runs `call` on `native()` under the watchdog.
    template <class Call>
    auto watched(TimePoint limit, Call call) {
        const Watchdog::Watch watch{watchdog_, socket_, limit};
        return call(native());
    }

private:
    class Session;  // libpqxx's connection
    void close() noexcept;
    template <class Call>
    Rows guarded(TimePoint limit, const Call& call);
    template <class Call>
    Rows run(TimePoint limit, const Call& call);

    Watchdog& watchdog_;
    std::unique_ptr<Session> session_;
    int socket_ = -1;  // a duplicate for the watchdog: libpq may close its own within any call
    bool broken_ = false;
    const bool pooled_;
    std::map<std::string, std::string> names_;  // of the texts, on the server, by `prepare_once`
    std::map<std::string, std::string> texts_;  // by name; behind a pooler
    std::set<std::string> prepared_;            // names
};

}  // namespace sluice::postgres

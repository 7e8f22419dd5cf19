#include "postgres/connection/connection.hpp"

#include "postgres/connection/pooler.hpp"
#include "postgres/connection/statement_name.hpp"
#include "sql/keyset.hpp"

#include <fcntl.h>
#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <pqxx/pqxx>
#include <string_view>
#include <utility>

namespace sluice::postgres {
namespace {

constexpr Duration default_connect_timeout = std::chrono::seconds{3};
constexpr auto there_already = "42P05";  // duplicate_prepared_statement

struct Finish {
    void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
};
using Handle = std::unique_ptr<PGconn, Finish>;

Duration connect_timeout(const std::string& url) {
    char* error = nullptr;
    const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options{PQconninfoParse(url.c_str(), &error),
                                                                               &PQconninfoFree};
    if (!options) {
        const std::string message = error != nullptr ? one_line(error) : "the URL cannot be read";
        PQfreemem(error);
        throw ConnectionLost{message};
    }
    for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
        if (std::strcmp(option->keyword, "connect_timeout") != 0 || option->val == nullptr) continue;
        int seconds = 0;
        std::from_chars(option->val, option->val + std::strlen(option->val), seconds);
        if (seconds > 0) return std::chrono::seconds{seconds};
    }
    return default_connect_timeout;
}

// Waits until libpq can go on; false if the limit passed or the watchdog stops first.
bool await(const PGconn* connection, bool readable, const Watchdog& watchdog, TimePoint limit) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(limit - Clock::now()).count();
        if (left <= 0 || watchdog.stopping()) return false;
        std::array<::pollfd, 2> polled{{{PQsocket(connection), static_cast<short>(readable ? POLLIN : POLLOUT), 0},
                                        {watchdog.stop_descriptor(), POLLIN, 0}}};
        if (::poll(polled.data(), polled.size(), static_cast<int>(left)) > 0 && polled[0].revents != 0) return true;
    }
}

/// A message of libpq's, which is verbose: nothing else tells the SQLSTATE of a refusal, and libpqxx drops that of some
/// errors.
struct Said {
    explicit Said(std::string verbose) : state{state_in_message(verbose)} {
        constexpr std::string_view place = "\nLOCATION:";  // in PostgreSQL's source
        if (!state.empty()) verbose.erase(verbose.find(state + ": "), state.size() + 2);
        if (const auto begin = verbose.find(place); begin != verbose.npos)
            verbose.erase(begin, verbose.find('\n', begin + 1) - begin);
        message = one_line(verbose);
    }
    std::string state;  // empty: libpq says it, not the server
    std::string message;
};

ConnectionLost refused(const char* message) {
    const Said said{message};
    return ConnectionLost{said.message, said.state};
}

// libpq's own blocking connect can be neither interrupted nor bounded below two seconds.
Handle connect(const std::string& url, const Watchdog& watchdog, TimePoint limit) {
    limit = std::min(limit, Clock::now() + connect_timeout(url));
    // Later words win: the URL over our defaults, the encoding over the URL. A peer that vanished is noticed after 20 s.
    constexpr std::array<const char*, 8> words{
        "fallback_application_name", "keepalives_idle", "keepalives_interval", "keepalives_count",
        "tcp_user_timeout",          "dbname",          "client_encoding",     nullptr};
    const std::array<const char*, 8> values{"sluice", "10", "5", "2", "20000", url.c_str(), "UTF8", nullptr};
    Handle handle{PQconnectStartParams(words.data(), values.data(), 1)};
    if (!handle) throw ConnectionLost{"out of memory"};
    PQsetErrorVerbosity(handle.get(), PQERRORS_VERBOSE);
    PQsetNoticeReceiver(
        handle.get(), [](void*, const PGresult*) {}, nullptr);
    auto next = PQstatus(handle.get()) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
    while (next == PGRES_POLLING_READING || next == PGRES_POLLING_WRITING) {
        if (!await(handle.get(), next == PGRES_POLLING_READING, watchdog, limit)) {
            throw ConnectionLost{watchdog.stopping() ? "stopping" : "the server does not answer in time"};
        }
        next = PQconnectPoll(handle.get());
    }
    if (next != PGRES_POLLING_OK) throw refused(PQerrorMessage(handle.get()));
    return handle;
}

// Gives libpqxx a connection that is made already, once: it must never reconnect behind our back, since then what was
// prepared and set on the connection would be gone.
class Adopt final : public pqxx::connectionpolicy {
public:
    explicit Adopt(Handle made) : connectionpolicy{""}, handle_{std::move(made)} {}
    handle do_startconnect(handle current) override {
        if (current != nullptr) return current;
        if (!handle_) throw pqxx::broken_connection{"the connection was lost"};
        return handle_.release();
    }
    handle do_completeconnect(handle current) override { return current; }

private:
    Handle handle_;
};

// The schema `sluice` is for qualified names alone: without this, a role of that name would find our tables before the
// application's, and make its own among ours.
std::string keep_out(std::string_view of_transaction) {
    std::string text =
        "select set_config('search_path', coalesce((select string_agg(part[1], ', ' order by place)"
        " from regexp_matches(current_setting('search_path'), '\"(?:[^\"]|\"\")*\"|[^,[:space:]\"]+', 'g')"
        " with ordinality parts(part, place) where case when part[1] in ('\"$user\"', '$user') then current_user <> 'sluice'"
        " when part[1] like '\"%' then part[1] <> '\"sluice\"' else lower(part[1]) <> 'sluice' end), ''), ";
    return text.append(of_transaction)
        .append(") where current_user = 'sluice' or current_setting('search_path') ~* 'sluice'");
}

const std::string keep_session_out = keep_out("false");

}  // namespace

class Connection::Session final : public pqxx::connection_base {
public:
    explicit Session(Handle handle) : connection_base{policy_}, native_{handle.get()}, policy_{std::move(handle)} { init(); }
    ~Session() { close(); }
    PGconn* native() const noexcept { return native_; }

private:
    PGconn* const native_;
    Adopt policy_;
};

Connection::Connection(const std::string& url, Watchdog& watchdog, TimePoint limit)
    : watchdog_{watchdog}, pooled_{is_behind_pooler(url)} {
    auto handle = connect(without_pooler(url), watchdog, limit);
    socket_ = ::fcntl(PQsocket(handle.get()), F_DUPFD_CLOEXEC, 0);
    if (socket_ < 0) throw ConnectionLost{"no file descriptor left"};
    try {
        session_ = std::make_unique<Session>(std::move(handle));
    } catch (const std::exception& error) {
        ::close(socket_);
        throw ConnectionLost{one_line(error.what())};
    }
    if (pooled_) return;  // others get the server's connection next
    try {
        execute(keep_session_out, std::min(limit, Clock::now() + connect_timeout(url)));
    } catch (const std::exception& error) {
        close();
        throw ConnectionLost{error.what()};
    }
}

const std::string& Connection::keep_transaction_out() {
    static const std::string text = keep_out("true");
    return text;
}

void Connection::close() noexcept {
    if (broken_) ::shutdown(socket_, SHUT_RDWR);  // so that saying goodbye cannot block
    {
        const Watchdog::Watch watch{watchdog_, socket_, Clock::now() + std::chrono::seconds{1}};
        session_.reset();
    }
    ::close(socket_);
}

Connection::~Connection() { close(); }

int Connection::backend() const noexcept { return PQbackendPID(session_->native()); }

::pg_conn* Connection::native() const noexcept { return session_->native(); }

template <class Call>
Rows Connection::guarded(TimePoint limit, const Call& call) {
    if (broken_) throw ConnectionLost{"the connection was lost"};
    const Watchdog::Watch watch{watchdog_, socket_, limit};
    try {
        const pqxx::result result = call(*session_);
        Rows rows(result.size());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            for (const auto& field : result[static_cast<pqxx::result::size_type>(i)]) {
                rows[i].push_back(field.is_null() ? Value{} : Value{std::in_place, field.c_str(), field.size()});
            }
        }
        return rows;
    } catch (const std::exception& error) {
        Said said{error.what()};
        // A FATAL error is the session's last word, behind which libpq finds it closed.
        broken_ = said.state.empty() || PQstatus(session_->native()) != CONNECTION_OK;
        if (broken_) throw ConnectionLost{said.message, std::move(said.state)};
        throw SqlError{said.message, std::move(said.state)};
    }
}

Rows Connection::execute(const std::string& sql, TimePoint limit) {
    return guarded(limit, [&](Session& session) { return pqxx::nontransaction{session}.exec(sql); });
}

void ClearResult::operator()(pg_result* result) const noexcept { PQclear(result); }

std::vector<const char*> pointers(const Row& values) {
    std::vector<const char*> result;
    result.reserve(values.size());
    for (const auto& value : values) result.push_back(value ? value->c_str() : nullptr);
    return result;
}

Rows to_rows(const pg_result& result) {
    Rows rows(static_cast<std::size_t>(PQntuples(&result)));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        for (int column = 0; column < PQnfields(&result); ++column) {
            const auto row = static_cast<int>(i);
            const auto length = static_cast<std::size_t>(PQgetlength(&result, row, column));
            rows[i].push_back(PQgetisnull(&result, row, column) == 1
                                  ? Value{}
                                  : Value{std::in_place, PQgetvalue(&result, row, column), length});
        }
    }
    return rows;
}

std::optional<Rows> Connection::execute_then(const std::string& first, const std::string& second, TimePoint limit) {
    if (broken_) throw ConnectionLost{"the connection was lost"};
    std::vector<ResultPointer> results;
    Said trouble{watched(limit, [&](PGconn* connection) {
        if (PQsendQuery(connection, (first + "; " + second).c_str()) == 1) {
            while (auto* result = PQgetResult(connection)) results.emplace_back(result);
        }
        return std::string{PQerrorMessage(connection)};
    })};
    broken_ = PQstatus(native()) != CONNECTION_OK;
    if (results.empty() || PQresultStatus(results[0].get()) != PGRES_COMMAND_OK) {
        broken_ = broken_ || results.empty() || trouble.state.empty();
        if (broken_) throw ConnectionLost{trouble.message, std::move(trouble.state)};
        throw SqlError{trouble.message, std::move(trouble.state)};
    }
    if (results.size() < 2 || PQresultStatus(results[1].get()) != PGRES_TUPLES_OK) return std::nullopt;
    return to_rows(*results[1]);
}

namespace {

std::size_t position_in(const std::string& text) noexcept {
    std::size_t characters = 0;
    std::from_chars(text.data(), text.data() + text.size(), characters);
    return characters;
}

}  // namespace

SqlError error_in(const pg_result& result) {
    const auto field = [&](int code) {
        const char* text = PQresultErrorField(&result, code);
        return std::string{text != nullptr ? text : ""};
    };
    ErrorFields fields{field(PG_DIAG_MESSAGE_PRIMARY),
                       field(PG_DIAG_MESSAGE_DETAIL),
                       field(PG_DIAG_MESSAGE_HINT),
                       field(PG_DIAG_CONSTRAINT_NAME),
                       field(PG_DIAG_COLUMN_NAME),
                       field(PG_DIAG_SOURCE_FUNCTION),
                       !field(PG_DIAG_STATEMENT_POSITION).empty() || !field(PG_DIAG_INTERNAL_QUERY).empty(),
                       position_in(field(PG_DIAG_STATEMENT_POSITION))};
    const std::unique_ptr<char, decltype(&PQfreemem)> text{
        PQresultVerboseErrorMessage(&result, PQERRORS_DEFAULT, PQSHOW_CONTEXT_ERRORS), &PQfreemem};
    return SqlError{one_line(text ? text.get() : fields.message), field(PG_DIAG_SQLSTATE),
                    std::make_shared<const ErrorFields>(std::move(fields))};
}

bool ends_session(const pg_result& error) {
    const char* severity = PQresultErrorField(&error, PG_DIAG_SEVERITY_NONLOCALIZED);
    return severity == nullptr || std::string_view{severity} != "ERROR";
}

// By libpq, since libpqxx's exceptions do not have an error's fields.
template <class Call>
Rows Connection::run(TimePoint limit, const Call& call) {
    if (broken_) throw ConnectionLost{"the connection was lost"};
    const ResultPointer result{watched(limit, call)};
    const auto status = PQresultStatus(result.get());
    if (result && (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)) return to_rows(*result);
    broken_ = !result || status != PGRES_FATAL_ERROR || ends_session(*result) || PQstatus(native()) != CONNECTION_OK;
    if (!broken_) throw error_in(*result);
    const Said said{result ? PQresultErrorMessage(result.get()) : PQerrorMessage(native())};
    throw ConnectionLost{said.message, said.state};
}

Rows Connection::execute(const std::string& sql, const Row& values, TimePoint limit) {
    const auto arguments = pointers(values);
    return run(limit, [&](PGconn* connection) {
        return PQexecParams(connection, sql.c_str(), static_cast<int>(arguments.size()), nullptr, arguments.data(), nullptr,
                            nullptr, 0);
    });
}

void Connection::prepare(const std::string& name, const std::string& sql, TimePoint limit) {
    if (pooled_) {
        texts_[name] = sql;
        return;
    }
    const auto try_once = [&] {
        run(limit, [&](PGconn* connection) { return PQprepare(connection, name.c_str(), sql.c_str(), 0, nullptr); });
        prepared_.insert(name);
    };
    try {
        try {
            try_once();
        } catch (const SqlError& error) {
            if (error.sqlstate() != there_already) throw;
            execute("deallocate " + sql::quoted_identifier(name), limit);  // nobody knew
            try_once();
        }
    } catch (...) {
        forget(name);
        throw;
    }
}

void Connection::prepare_once(const std::string& name, const std::string& sql, TimePoint limit) {
    if (names_.contains(name)) return;
    const auto made = statement_name(sql);
    prepare(made, sql, limit);
    names_[name] = made;
}

void Connection::forget(const std::string& name) noexcept {
    texts_.erase(name);
    if (broken_ || pooled_ || prepared_.erase(name) == 0) return;
    try {
        execute("deallocate " + sql::quoted_identifier(name), TimePoint::max());
    } catch (const std::exception&) {
        broken_ = true;  // then it is forgotten as well
    }
}

Rows Connection::execute_prepared(const std::string& name, const Row& values, TimePoint limit) {
    const auto known = names_.find(name);
    const auto& made = known == names_.end() ? name : known->second;
    if (pooled_) return execute(texts_.at(made), values, limit);
    const auto arguments = pointers(values);
    return run(limit, [&](PGconn* connection) {
        return PQexecPrepared(connection, made.c_str(), static_cast<int>(arguments.size()), arguments.data(), nullptr,
                              nullptr, 0);
    });
}

bool Connection::usable() const noexcept {
    if (broken_) return false;
    // An idle connection has nothing to read but its end, or the server's word that it is coming.
    ::pollfd polled{socket_, POLLIN, 0};
    return ::poll(&polled, 1, 0) == 0;
}

}  // namespace sluice::postgres

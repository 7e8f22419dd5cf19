// The port of the database: registered statements, run with bound text values, answered with JSON that the database
// rendered.
#pragma once

#include "sluice/deadline.hpp"
#include "sluice/executor.hpp"
#include "sluice/settings.hpp"
#include "sluice/snapshot.hpp"

#include <boost/system/result.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

/// A statement as a route declares it, before parameters are numbered and the JSON rendering is wrapped around it.
struct StatementSpec {
    std::string name;                            ///< for messages: the route, e.g. `GET /v1/cities/{id}`
    std::string sql;                             ///< with `:name` parameters
    std::vector<std::string> parameters;         ///< every name that may occur, in the order in which values are passed
    std::vector<ParameterType> parameter_types;  ///< beside `parameters`: the type where PostgreSQL infers none
    ResultShape result = ResultShape::many;
    bool read_only = true;  ///< read-only connection, on a replica unless `on_primary`
    bool on_primary = false;
    bool labelled = false;   ///< a read that returns the label its cached value needs (see Label)
    bool versioned = false;  ///< a read of `one` whose rows have a column `version`
    bool collapse = false;   ///< a read without pages, whose calls at one moment may become one statement
    /// Bytes of the JSON: more is not fetched, and a write that would answer more is not done. 0: any.
    std::size_t max_answer = 0;
    /// A read of `many` by pages, which these columns order; empty: all rows in the statement's own order.
    std::vector<SortColumn> page_by;
    /// Writes that answer rows: columns that tags are made of, if the statement has them (see Query::invalidates).
    std::vector<std::string> tag_columns{};
    /// Columns that the result must have, since something else is made of them: for the check alone.
    std::vector<std::string> needed_columns{};

    friend bool operator==(const StatementSpec&, const StatementSpec&) = default;
};

/// What a database knows of a statement.
class KnownStatement {
public:
    virtual ~KnownStatement() = default;
};

/// Names a statement to the database that it was added to, which knows it as long as this or a copy of it lives.
class StatementId {
public:
    /// Of none.
    StatementId() = default;
    explicit StatementId(std::uint64_t number, std::shared_ptr<const KnownStatement> known = nullptr) noexcept
        : number_{number}, known_{std::move(known)} {}

    /// No other statement has it, also when this one has been forgotten.
    std::uint64_t number() const noexcept { return number_; }
    const std::shared_ptr<const KnownStatement>& known() const noexcept { return known_; }

    friend bool operator==(const StatementId& one, const StatementId& other) noexcept {
        return one.number_ == other.number_;
    }
    friend auto operator<=>(const StatementId& one, const StatementId& other) noexcept {
        return one.number_ <=> other.number_;
    }

private:
    std::uint64_t number_ = 0;
    std::shared_ptr<const KnownStatement> known_;
};

/// What a write answered, as it is kept to be answered again.
struct KeptAnswer {
    unsigned status = 0;
    std::optional<std::string> body;  ///< nothing: the status says all
};

struct QueryResult {
    std::string json;            ///< the row (one), the array (many), or empty (none, or no row)
    bool found = false;          ///< one: whether there was a row
    std::optional<Label> label;  ///< if the statement is labelled and the server keeps invalidations
    bool from_primary = false;
    std::optional<HistoryPosition> position;  ///< of a write that asks for it: right after its commit
    /// By pages, if there are rows behind this page: the sort columns of its last row, a JSON array of texts and nulls.
    std::optional<std::string> last_key;
    std::optional<KeptAnswer> kept = std::nullopt;  ///< of a write with an idempotency key: its answer, the first or again
    bool replayed = false;  ///< `kept` is that of an earlier write; nothing was done now, and the rest here is empty
};

/// What PostgreSQL says of an error beside its SQLSTATE (its documentation, "Error and Notice Message Fields"). Empty:
/// nothing.
struct ErrorFields {
    std::string message;
    std::string detail;
    std::string hint;
    std::string constraint;
    std::string column;
    std::string routine;     ///< the function in PostgreSQL's source
    bool has_place = false;  ///< it points at a place in a statement's text
    std::size_t place = 0;   ///< in the text that was sent: characters from 1. 0: elsewhere, as in a function's
    /// By `raise`, in a function of the application's.
    bool raised() const noexcept { return routine == "exec_stmt_raise"; }
};

struct DatabaseError {
    enum class Kind {
        unavailable,          // no server could be reached, or their breakers are open: nothing was done
        overloaded,           // every connection is busy and the queue is full: nothing was done
        timed_out,            // the deadline passed, or the server cancelled the statement
        outcome_unknown,      // the connection was lost during COMMIT: the write may or may not have been done
        rejected,             // PostgreSQL answered with an error: see sqlstate
        in_flight,            // a write with the same idempotency key is under way: nothing was done
        other_payload,        // the idempotency key belongs to a write that asked for something else: nothing was done
        precondition_failed,  // the query's condition did not hold: nothing was done
        too_large,            // the answer would be larger than StatementSpec::max_answer: nothing was done; see bytes
        no_memory,            // too much is in flight in this process: nothing was done, or its answer was dropped
        keys_not_kept,        // idempotency keys cannot be kept: no table for them, or no right to it. Nothing was done
    };
    Kind kind = Kind::unavailable;
    std::string sqlstate;  ///< five characters, if rejected
    std::string message;   ///< for the log only; never for a client
    /// Of a failed precondition, if the query asks for it: what is read after it has all that made the condition fail.
    std::optional<HistoryPosition> position = std::nullopt;
    std::shared_ptr<const ErrorFields> fields = nullptr;  ///< of one that is rejected, if the server said more
    std::size_t bytes = 0;                                ///< of an answer that is too large
};

/// Which page of a statement with `page_by`.
struct PagePosition {
    unsigned limit = 0;  ///< rows
    /// The sort columns of the row it begins behind, as PostgreSQL's texts; empty: it is the first page.
    std::vector<std::optional<std::string>> after;
};

/// Makes a write happen once, however often it is sent: its answer is kept in the same transaction, and given again.
struct IdempotencyKey {
    std::string caller;  ///< whose key it is: Identity::unique_name
    std::string route;   ///< the same key on another route is another one
    std::string key;
    std::string payload_hash;  ///< of what is asked for, in hexadecimal: with another one the key is refused
    /// What to keep. Called on another thread while the caller waits.
    std::function<KeptAnswer(const QueryResult& result)> answer;
};

struct Condition;

struct Query {
    StatementId statement;
    std::vector<std::optional<std::string>> values;  ///< in the order of StatementSpec::parameters; nothing binds NULL
    bool primary = false;                            ///< this once on the primary although a replica would do
    /// Reads: a replica that has not got so far is given up to 50 ms, then the primary is asked.
    std::optional<HistoryPosition> after;
    bool tell_position = false;  ///< writes: the answer's `position` is wanted
    /// Writes: the tags to invalidate, given as JSON what stands in tags for the first row's StatementSpec::tag_columns,
    /// each a text or null; from a server without the functions for that, the row itself (empty: no row). Recorded in the
    /// same transaction. Called on another thread while the caller waits.
    std::function<std::vector<std::string>(std::string_view first_row)> invalidates;
    std::optional<PagePosition> page;                          ///< statements with `page_by`, and only those, need it
    std::optional<IdempotencyKey> idempotency = std::nullopt;  ///< writes only
    /// Writes: what must hold when it runs. It and the write are one serializable transaction, run again while others
    /// interfere. An answer that is kept under the idempotency key comes first: its write has been done.
    std::shared_ptr<const Condition> condition = nullptr;
    /// What its functions refer to, such as Exchange::pin: they may be called, and let go of, when the caller has gone.
    std::shared_ptr<const void> pin = nullptr;
};

struct Condition {
    Query read;  ///< of a read's statement: its values, and its page
    /// Whether the write may go on. Called on another thread while the caller waits, once for each try.
    std::function<bool(const QueryResult& current)> holds;
};

class Database {
public:
    virtual ~Database() = default;
    /// At any time. Equal specifications have one id; when the last copy of it goes, so does the statement.
    virtual StatementId add(StatementSpec spec) = 0;
    /// The result or the error comes at the deadline at the latest.
    virtual awaitable<boost::system::result<QueryResult, DatabaseError>> run(Query query, Deadline deadline) = 0;
};

}  // namespace sluice

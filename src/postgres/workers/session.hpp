// How a query is run on a connection: prepared on first use, cancelled by the server when its time is over, labelled, and,
// if it writes, in one transaction with its invalidations. Used by one thread at a time.
#pragma once

#include "policy/changes.hpp"
#include "postgres/connection/catalog_watch.hpp"
#include "postgres/connection/connection.hpp"
#include "postgres/connection/read_statement.hpp"
#include "postgres/connection/server_identity.hpp"
#include "postgres/schema/idempotency.hpp"
#include "postgres/schema/known_primary.hpp"
#include "postgres/workers/invalidation_rows.hpp"
#include "postgres/workers/statement_table.hpp"
#include "postgres/workers/write_participant.hpp"
#include "sluice/ports/database.hpp"
#include "sql/statement.hpp"

#include <compare>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sluice::postgres {

/// The connection went away during COMMIT: nobody knows whether the transaction was committed.
class OutcomeUnknown : public ConnectionLost {
public:
    using ConnectionLost::ConnectionLost;
};

/// The server has been told to refuse writes (default_transaction_read_only), as managed ones are when their disk is full.
class TakesNoWrites : public std::runtime_error {
public:
    TakesNoWrites() : std::runtime_error{"the server takes no writes: its transactions are read-only by default"} {}
};

class Session {
public:
    struct Settings {
        std::string url;
        bool read_only = true;
        Duration timeout = std::chrono::seconds{5};  ///< the longest a statement may run
        bool to_primary = false;                     ///< a standby is refused
        const KnownPrimary* primary = nullptr;       ///< null: nothing is known of it, so nothing is labelled
        CatalogWatch* catalog = nullptr;             ///< the server's; it outlives the session
        const StatementTable* statements = nullptr;  ///< likewise; null: none is ever forgotten
    };
    /// How long after its time a server may take to cancel a statement before the connection is given up.
    static constexpr Duration patience = std::chrono::milliseconds{250};

    // All of these throw ConnectionLost and SqlError. `id`: the number of the statement.

    /// Connects and sets the session up, within `limit`.
    Session(const Settings& settings, Watchdog& watchdog, TimePoint limit);

    QueryResult read(std::uint64_t id, const sql::Statement& statement, const Query& query, TimePoint deadline);

    /// One transaction, tried once, or twice if a text was outdated. Throws OutcomeUnknown. After an SqlError it is rolled
    /// back. `shown`: the statement of the query's condition, if it has one.
    Written write(std::uint64_t id, const sql::Statement& statement, const Query& query, const sql::Statement* shown,
                  TimePoint deadline);

    /// Of a session that writes: throws ConnectionLost if its server has become a standby, and TakesNoWrites.
    void ensure_takes_writes(TimePoint limit);

    /// Whether what is read here from now on has all that was committed at the position. Never of a replica's server that is
    /// no standby of the primary.
    bool has_reached(const HistoryPosition& position, TimePoint limit);

    CatalogWatch* catalog() const noexcept { return settings_.catalog; }
    const StatementTable* statements() const noexcept { return settings_.statements; }
    /// For whoever drives it by other means, from then on.
    Connection& connection() noexcept { return connection_; }
    /// 0: behind a pooler it is not known.
    int backend() const noexcept { return connection_.pooled() ? 0 : connection_.backend(); }
    bool usable() const noexcept { return connection_.usable(); }
    /// Whether the schema `sluice` is there and ours to use, as far as we know.
    bool keeps_invalidations() const noexcept { return bookkeeping_.there; }

    /// How reads are labelled here; not by snapshots of a history that is over. A standby is asked `replayed_name()` before
    /// each of them, which is prepared.
    LabelSource::Kind labels() const noexcept;
    static const std::string& replayed_name();
    /// `replayed`: its answer; of a primary nothing.
    LabelSource label_source(const Value& replayed) const;

private:
    /// How often it is looked for what was missing in the schema `sluice`.
    static constexpr Duration look_again = std::chrono::seconds{5};
    /// A text on the connection.
    struct Prepared {
        std::string name;
        std::uint64_t generation = 0;  // of the catalog, at the latest when it was prepared
        sql::Statement::Hints hints{};
    };
    /// One of a statement's texts.
    struct TextKey {
        std::uint64_t id = 0;
        sql::PageStep step = sql::PageStep::first;
        bool tagged = false;  // of a write: it returns its tags as well
        friend auto operator<=>(const TextKey&, const TextKey&) = default;
    };
    using Texts = std::map<TextKey, Prepared>;
    Texts::iterator prepared(TextKey key, const sql::Statement& statement, TimePoint limit);
    Texts::iterator prepared_write(std::uint64_t id, const sql::Statement& statement, bool tagged, TimePoint limit);
    void forget(Texts::iterator text);
    void forget_unknown();
    std::uint64_t generation() const noexcept { return settings_.catalog != nullptr ? settings_.catalog->generation() : 0; }
    bool is_outdated(std::uint64_t generation, TimePoint limit);
    bool may_do_better(Texts::iterator text, const SqlError& error, TimePoint limit);
    bool learn(Texts::iterator text, const sql::Statement& statement, const SqlError& error);
    Rows run_pooled_read(const std::string& name, const Row& values, TimePoint limit);
    Rows run_in_write(Texts::iterator text, const Row& values, TimePoint limit);
    Written write_once(std::uint64_t id, const sql::Statement& statement, const Query& query, const sql::Statement* shown,
                       std::chrono::milliseconds timeout, TimePoint deadline, TimePoint limit);
    Rows run_read(std::uint64_t id, const sql::Statement& statement, const Query& query, TimePoint limit);
    void look_for_bookkeeping(TimePoint limit);
    void know_server(TimePoint limit);
    Value ask_replayed(TimePoint limit);
    void look_again_if_due(TimePoint now, TimePoint limit);
    void need_timeout(std::chrono::milliseconds timeout, TimePoint limit);
    WriteParticipants participants_of(const Query& query, ResultShape shape, const sql::Statement* shown);
    std::optional<HistoryPosition> ask_position(TimePoint limit);
    void roll_back(TimePoint limit);
    Written answer_of(Ended ended, bool tell_position, TimePoint limit);

    const Settings settings_;
    Connection connection_;
    KeptAnswers kept_answers_{connection_};
    std::chrono::milliseconds statement_timeout_;
    Bookkeeping bookkeeping_;
    ServerIdentity identity_;
    HistoryId history_ = 0;       // 0: of a standby, or there is none that reads could be labelled by
    std::uint64_t replayed_ = 0;  // as of the last question
    Texts texts_;
    std::uint64_t statements_seen_ = 0;  // as of which change of the table all texts are of statements that are known
    TextKey ran_;                        // in the write that is under way: what was run last
    std::unordered_map<std::uint64_t, TimePoint> tags_refused_;  // when the tagged text was last of no use
};

/// `remaining`, rounded up so coarsely that a connection's setting seldom changes (1, 1.5, 2, 3, 5, 7, 10, … of a decade),
/// and at most `longest`.
std::chrono::milliseconds coarse_timeout(Duration remaining, Duration longest) noexcept;

}  // namespace sluice::postgres

// How a query is run on a connection: prepared on first use, cancelled by the server when its time is over, labelled, and,
// if it writes, in one transaction with its invalidations. Used by one thread at a time.
#pragma once

#include "postgres/connection.hpp"
#include "postgres/idempotency.hpp"
#include "postgres/known_primary.hpp"
#include "postgres/read_statement.hpp"
#include "postgres/records.hpp"
#include "postgres/server_identity.hpp"
#include "postgres/statement.hpp"
#include "sluice/ports/database.hpp"

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace sluice::postgres {

/// The connection went away during COMMIT: nobody knows whether the transaction was committed.
class OutcomeUnknown : public ConnectionLost {
public:
    using ConnectionLost::ConnectionLost;
};

class Session {
public:
    struct Settings {
        std::string url;
        bool read_only = true;
        Duration timeout = std::chrono::seconds{5};  ///< the longest a statement may run
        bool to_primary = false;                     ///< a standby is refused
        const KnownPrimary* primary = nullptr;       ///< null: nothing is known of it, so nothing is labelled
    };
    /// How long after its time a server may take to cancel a statement before the connection is given up.
    static constexpr Duration patience = std::chrono::milliseconds{250};

    // All of these throw ConnectionLost and SqlError.

    /// Connects and sets the session up, within `limit`.
    Session(const Settings& settings, Watchdog& watchdog, TimePoint limit);

    QueryResult read(StatementId id, const Statement& statement, const Query& query, TimePoint deadline);

    struct Written {
        QueryResult result;
        std::vector<Invalidation> invalidations;
        std::optional<DatabaseError> refused = std::nullopt;  ///< by its idempotency key or condition: nothing was done
    };
    /// One transaction, tried once. Throws OutcomeUnknown. After an SqlError it is rolled back. `shown`: the statement of
    /// the query's condition, if it has one.
    Written write(StatementId id, const Statement& statement, const Query& query, const Statement* shown,
                  TimePoint deadline);

    /// Whether what is read here from now on has all that was committed at the position. Never of a replica's server that is
    /// no standby of the primary.
    bool has_reached(const HistoryPosition& position, TimePoint limit);

    /// For whoever drives it by other means, from then on.
    Connection& connection() noexcept { return connection_; }
    int backend() const noexcept { return connection_.backend(); }
    bool usable() const noexcept { return connection_.usable(); }
    /// Whether the schema `sluice` is there and ours to use, as far as we know.
    bool keeps_invalidations() const noexcept { return bookkeeping_; }

    /// How reads are labelled here; not by snapshots of a history that is over. A standby is asked `replayed_name` before
    /// each of them, which is prepared.
    LabelSource::Kind labels() const noexcept;
    static constexpr const char* replayed_name = "sluice_replayed";
    /// `replayed`: its answer; of a primary nothing.
    LabelSource label_source(const Value& replayed) const;

private:
    const std::string& prepared(StatementId id, const Statement& statement, PageStep step, TimePoint limit);
    const std::string& prepared_write(StatementId id, const Statement& statement, bool tagged, TimePoint limit);
    Rows run_write(StatementId id, const std::string& name, const Row& values, TimePoint limit);
    template <class Render>
    const std::string& prepared_as(std::string name, const Statement& statement, TimePoint limit, const Render& render);
    Rows run(const std::string& name, const Row& values, TimePoint limit);
    Rows run_read(StatementId id, const Statement& statement, PageStep step, const Row& values, TimePoint limit);
    void look_for_bookkeeping(TimePoint limit);
    void know_server(TimePoint limit);
    Value ask_replayed(TimePoint limit);
    void look_again_if_due(TimePoint now, TimePoint limit);
    void need_timeout(std::chrono::milliseconds timeout, TimePoint limit);
    std::vector<Invalidation> record(const std::vector<std::string>& tags, TimePoint limit);
    void prepare_record(TimePoint limit);
    bool holds(const Condition& condition, const Statement& shown, const std::string& name, TimePoint limit);
    std::optional<HistoryPosition> ask_position(TimePoint limit);
    void roll_back(TimePoint limit);
    Written roll_back_for(KeptAnswers::Found found, bool tell_position, TimePoint limit);

    const Settings settings_;
    Connection connection_;
    KeptAnswers kept_answers_{connection_};
    std::chrono::milliseconds statement_timeout_;
    bool bookkeeping_ = false;
    TimePoint looked_at_{};
    ServerIdentity identity_;
    HistoryId history_ = 0;       // 0: of a standby, or there is none that reads could be labelled by
    std::uint64_t replayed_ = 0;  // as of the last question
    std::unordered_set<std::string> prepared_;
    std::unordered_map<StatementId, TimePoint> tags_refused_;  // when the tagged text was last of no use
};

/// `remaining`, rounded up so coarsely that a connection's setting seldom changes (1, 1.5, 2, 3, 5, 7, 10, … of a decade),
/// and at most `longest`.
std::chrono::milliseconds coarse_timeout(Duration remaining, Duration longest) noexcept;

}  // namespace sluice::postgres

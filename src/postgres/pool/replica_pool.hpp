// The database port on PostgreSQL: reads on the replicas, writes on the primary, and what happens when one of them is away.
// Hides libpqxx, connections, threads, breakers and lag.
#pragma once

#include "policy/circuit_breaker.hpp"
#include "postgres/connection/standing.hpp"
#include "postgres/schema/change_feed.hpp"
#include "sluice/ports/database.hpp"
#include "sluice/settings.hpp"
#include "telemetry/metrics.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::postgres {

/// How a server does, for health and logs.
struct ServerStatus {
    std::string name;  ///< `primary`, `replica-1`, …; the label of its metrics
    bool reachable = false;
    policy::CircuitBreaker::State breaker = policy::CircuitBreaker::State::closed;
    std::optional<Duration> lag;  ///< replicas: behind the primary; nothing: not known (yet), or further than remembered
    Standing standing = Standing::unknown;  ///< replicas: what they are to the primary
    bool takes_writes = true;               ///< the primary: whether its transactions may write
};

/// Reads run on read-only connections: on a replica chosen by weight and load whose lag is at most `max_lag`, else on the
/// primary. A read whose server turns out to be away is tried once on another. Writes run in one transaction on the primary
/// and are repeated after a serialization failure or a deadlock; when the connection is lost during COMMIT nobody knows the
/// outcome, and the caller gets `outcome_unknown`.
///
/// The primary's connections are split: half write, the others serve reads that no replica can take. So a flood of such
/// reads never keeps a write waiting, nor the reverse. The connections that read are split again, between worker threads and
/// the event loops, which pipeline what is known to be quick (policy/connection_split, policy/statement_pace).
class ReplicaPool final : public Database {
public:
    /// Told, on a worker's thread and before the write's caller goes on, of the invalidations a write has just committed;
    /// there may be none.
    /// Must not throw or wait.
    using OnInvalidations = std::function<void(const std::vector<policy::Invalidation>&)>;

    /// Connects nothing yet. The metrics must outlive the pool. Callers on `loops` have connections of their own; with none
    /// given, workers do everything.
    ReplicaPool(PostgresSettings settings, telemetry::Metrics& metrics, OnInvalidations on_invalidations = {},
                std::vector<Executor> loops = {});
    /// Stops first if needed. The event loops of callers must still be there.
    ~ReplicaPool() override;

    /// Throws std::invalid_argument for SQL that cannot be scanned or names a parameter the specification lacks. Any thread.
    StatementId add(StatementSpec spec) override;
    awaitable<boost::system::result<QueryResult, DatabaseError>> run(Query query, Deadline deadline) override;

    /// Starts the workers; they connect in the background.
    void start();
    /// Fails what is queued or runs as `unavailable` and joins every thread, promptly even while servers hang. Then `run`
    /// answers `unavailable` at once. Idempotent.
    void stop();

    /// Who the primary is, and where its log was: the yardstick of lag, and of what a standby reads. From the change feed,
    /// on any thread.
    void primary_polled(const Poll& poll);

    /// Somebody beside the pool was refused a connection to the primary: the pool gives one up, if it has several.
    void make_room(const char* reason);

    /// The primary first, then the replicas in the order of the settings.
    std::vector<ServerStatus> status() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::postgres

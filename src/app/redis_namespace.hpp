// Whose keys in Redis are this instance's: those of the database that its servers of PostgreSQL serve. Hides who is asked,
// when, and what stands in while nobody answers.
#pragma once

#include "postgres/connection/database_identity.hpp"
#include "postgres/connection/watchdog.hpp"
#include "redis/client.hpp"
#include "redis/database_alias.hpp"
#include "runtime/blocking_lane.hpp"
#include "sluice/deadline.hpp"
#include "sluice/executor.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace sluice::app {

/// Any server can tell, a replica too. While none answers, the namespace is that of the one database to which the primary's
/// address led for the instances before (redis::DatabaseAlias); if it led to several, or nobody remembers, there is none:
/// limits are local shares and copies stay in the process. The primary's own word, which comes with every poll of the change
/// feed, holds over all others.
class RedisNamespace {
public:
    struct Settings {
        std::vector<std::string> servers;  ///< URLs, the primary's first
        std::string prefix;                ///< not empty: stands alone where the servers refuse to tell
        std::chrono::milliseconds patience{1'000};
        std::chrono::milliseconds look_again{500};  ///< while it is not known
        std::chrono::milliseconds remind{10'000};   ///< how often the alias is refreshed
        /// After a change of databases: as long as a load that began before may take.
        std::chrono::milliseconds settle{5'000};
    };
    /// Called after every change, on the feed's thread or the background loop. `replaced`: there was another database.
    using OnChange = std::function<void(bool replaced)>;

    /// From now on the client's names are not known. The client must outlive it.
    RedisNamespace(Settings settings, redis::Client& client, OnChange on_change);
    /// Stops first if needed.
    ~RedisNamespace();

    void start();
    /// `on_change` is not called afterwards. Not from a loop; while the loops still run. Idempotent, for good.
    void stop();

    /// The primary has said who it is. Before anything else that it said with it is believed; cheap if nothing has changed.
    void primary_is(const postgres::ServerIdentity& identity);

    /// `ok`, or why there is no namespace, in a few words. From any thread.
    std::string state() const;

private:
    enum class Source {
        unknown,    // nobody has told yet
        ambiguous,  // the address led to several databases
        refused,    // servers answer and do not tell
        alias,      // the instances before remember one
        server,     // a server has told
    };
    struct Run;

    awaitable<void> run(std::shared_ptr<Run> run);
    awaitable<void> look_up_alias();
    void learn(const postgres::IdentityAnswer& answer);
    /// `primary`: by the poll, whose word holds over what was asked for or looked up meanwhile.
    void take(Source source, const std::string& database, bool primary = false);
    void lack(Source source, const std::string& reason);
    bool told() const;
    std::string database() const;

    const Settings settings_;
    redis::Client& client_;
    const OnChange on_change_;
    redis::DatabaseAlias alias_;
    postgres::Watchdog watchdog_;
    mutable std::mutex mutex_;  // guards what follows
    Source source_ = Source::unknown;
    std::string database_;   // the last one known
    bool reported_ = false;  // that there is none, and why
    bool stopped_ = false;
    postgres::ServerIdentity primary_{};  // the feed's thread's: the last word
    std::shared_ptr<Run> run_;
    runtime::BlockingLane lane_{1, 2};
};

/// The namespace's database for this answer. Nothing: there is none. Empty: the prefix stands alone.
std::optional<std::string> database_for(const postgres::IdentityAnswer& answer, const std::string& prefix);

}  // namespace sluice::app

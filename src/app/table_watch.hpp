// Looks every few seconds whether tracked tables still tell of their changes, and learns the types of what tags are made of.
// Hides the thread. DDL fires no trigger, so without it a table that took the place of another would be read from copies of
// the old one until their ttl is over.
#pragma once

#include "app/configuration.hpp"
#include "postgres/connection/connection.hpp"
#include "postgres/schema/table_tracking.hpp"
#include "sluice/settings.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace sluice::app {

class TableWatch {
public:
    static constexpr std::chrono::milliseconds interval{2'000};
    /// Called on the watch's thread with the own tags of tables whose copies may be older than the look, and the xmax of its
    /// snapshot.
    using OnOutdated = std::function<void(std::span<const std::string> tags, std::uint64_t xmax)>;

    /// `settings`, with `postgres`: whose tables are looked at. `configurations`: whose types are learned. Both outlive it.
    TableWatch(const Settings& settings, const Configurations& configurations, OnOutdated on_outdated);
    ~TableWatch();
    TableWatch(const TableWatch&) = delete;
    TableWatch& operator=(const TableWatch&) = delete;

    /// Asks the primary, or else a replica, for the types that are not known. False: no server has answered. Blocking.
    bool learn_types();
    /// Looks once, and then every `interval`.
    void start();
    /// Idempotent.
    void stop();

    struct State {
        /// No table has ceased to be tracked as configured since the start. One that never was is nothing that broke.
        bool healthy = true;
        std::string text = "ok";  ///< or which tables' changes are not told as configured
    };
    /// As of the last look.
    State state() const;
    /// Whether there is anything to look at.
    bool has_tables() const noexcept { return !settings_.tables.empty(); }

private:
    /// A configuration whose statements, from the first to before the end, are asked about.
    struct Learner {
        std::shared_ptr<Configuration> configuration;
        std::size_t first;
        std::size_t end;
    };
    bool ask_types(std::span<const StatementSpec> statements, std::span<const Learner> learners);
    void run(const std::stop_token& stop);
    void look();
    void note(const postgres::TableStates& states);

    const Settings& settings_;
    const Configurations& configurations_;
    const OnOutdated on_outdated_;
    postgres::Watchdog watchdog_;
    mutable std::mutex mutex_;
    State state_;  // guarded by the mutex

    // The thread's own.
    std::unique_ptr<postgres::Connection> connection_;
    std::vector<postgres::TableState> last_;  // as of the last look; empty: none yet
    std::vector<bool> was_tracked_;           // at some look
    std::vector<bool> tell_again_;            // with the next look, too
    std::uint64_t last_xmax_ = 0;             // of the last look that told of something
    std::jthread thread_;                     // last: joined before what it uses goes
};

}  // namespace sluice::app

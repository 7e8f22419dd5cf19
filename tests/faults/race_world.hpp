// Two instances over one database and one Redis, clients that write and read the same few rows through them, and writers
// who know nothing of them. All that clients see goes to a history. Hides configuration, schema and threads.
#pragma once

#include "support/process.hpp"
#include "support/race_history.hpp"
#include "support/redis_server.hpp"
#include "support/tcp_relay.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sluice::test {

/// The rows, numbered through; what is written how is told by the table.
struct RaceRow {
    enum class Kind {
        noted,    // through routes that name the tag
        tracked,  // by others, on a tracked table, statement by statement
        slow,     // by others, in transactions that stay open for a while
        bulk,     // by others, all rows of a table at once
    };
    Kind kind = Kind::noted;
    std::string_view table;
    int id = 0;
};
inline constexpr std::array<RaceRow, 12> race_rows{{
    {RaceRow::Kind::noted, "noted", 1},
    {RaceRow::Kind::noted, "noted", 2},
    {RaceRow::Kind::noted, "noted", 3},
    {RaceRow::Kind::noted, "noted", 4},
    {RaceRow::Kind::tracked, "tracked", 1},
    {RaceRow::Kind::tracked, "tracked", 2},
    {RaceRow::Kind::tracked, "tracked", 3},
    {RaceRow::Kind::slow, "tracked", 4},
    {RaceRow::Kind::slow, "tracked", 5},
    {RaceRow::Kind::slow, "tracked", 6},
    {RaceRow::Kind::bulk, "bulk", 1},
    {RaceRow::Kind::bulk, "bulk", 2},
}};

class RaceWorld {
public:
    /// Starts all of it, clients included. `planted`: which mistake the instances make (see freshness_driver); empty: the
    /// real server. The private stack must be up.
    RaceWorld(std::uint32_t seed, const std::string& planted);
    /// The clients stop first, and then the instances.
    ~RaceWorld();
    RaceWorld(const RaceWorld&) = delete;
    RaceWorld& operator=(const RaceWorld&) = delete;

    RedisServer& redis() noexcept { return redis_; }
    Instance& instance(std::size_t i) noexcept { return *instances_.at(i); }
    /// Between an instance and the primary.
    TcpRelay& relay(std::size_t i) noexcept { return *relays_.at(i); }

    /// Every read and write that has ended so far, judged by the bounds that held by the instances' own word.
    RaceFindings check() const;
    /// Answers that were no 200, and what broke a connection.
    std::size_t refused() const noexcept { return refused_; }
    std::string trouble() const;

private:
    using Random = std::mt19937;
    using Work = void (RaceWorld::*)(const std::stop_token&, Random&, std::size_t);

    void make_tables();
    void start(Work work, std::size_t argument);
    void read(const std::stop_token& stop, Random& random, std::size_t instance);
    void read_bulk(const std::stop_token& stop, Random& random, std::size_t instance);
    void read_rows(const std::stop_token& stop, Random& random, std::size_t instance, std::uint32_t from, std::uint32_t to);
    void write_noted(const std::stop_token& stop, Random& random, std::size_t instance);
    void write_tracked(const std::stop_token& stop, Random& random, std::size_t);
    void write_slowly(const std::stop_token& stop, Random& random, std::size_t row);
    void write_all(const std::stop_token& stop, Random& random, std::size_t);
    void complain(const std::string& what);

    const std::uint32_t seed_;
    RedisServer redis_;
    TemporaryDirectory directory_;
    std::array<std::unique_ptr<TcpRelay>, race_instances> relays_;
    std::array<std::unique_ptr<Instance>, race_instances> instances_;
    RaceHistory history_;
    std::atomic<std::size_t> refused_{0};
    mutable std::mutex trouble_mutex_;
    std::string trouble_;
    std::vector<std::jthread> clients_;  // last: they use all of it
};

}  // namespace sluice::test

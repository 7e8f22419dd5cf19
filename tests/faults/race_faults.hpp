// What happens to a RaceWorld, at random, and how often it did.
#pragma once

#include "faults/race_world.hpp"
#include "postgres/connection/connection.hpp"
#include "support/private_stack.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace sluice::test {

/// Lets the standby lag at random for as long as it lives: it replays nothing for a while, and then goes on.
class LaggingStandby {
public:
    explicit LaggingStandby(std::uint32_t seed)
        : thread_{[this, seed](const std::stop_token& stop) { run(stop, std::mt19937{seed}); }} {}

    int lags() const noexcept { return lags_; }

private:
    static void replay(const char* how) {
        postgres::Watchdog watchdog;
        const auto limit = Clock::now() + std::chrono::seconds{30};
        postgres::Connection connection{PrivateStack::instance().env("SLUICE_PG_REPLICA_1_SUPER"), watchdog, limit};
        connection.execute(std::string{"select pg_wal_replay_"} + how + "()", limit);
    }
    void run(const std::stop_token& stop, std::mt19937 random) {
        const auto pause = [&](int from, int to) {
            const std::chrono::milliseconds time{std::uniform_int_distribution<int>{from, to}(random)};
            std::this_thread::sleep_for(time);  // this is the fault
        };
        while (!stop.stop_requested()) {
            replay("pause");
            ++lags_;
            pause(100, 1'200);
            replay("resume");
            pause(50, 400);
        }
    }

    std::atomic<int> lags_{0};
    std::jthread thread_;  // last: joined first, with the standby going on
};

class RaceFaults {
public:
    enum class Kind {
        cut,       // every connection to Redis is closed, pub/sub included: what is said meanwhile is lost
        empty,     // Redis is killed, and a new one knows nothing
        rollback,  // Redis is killed, and a new one holds what an old dump says
        freeze,    // SIGSTOP of an instance, while others write; what it has of the time before is old when it wakes up
        slow,      // all that passes between an instance and the primary is late, polls included
    };

    RaceFaults(RaceWorld& world, std::uint32_t seed) : world_{world}, random_{seed} {}

    /// Each kind at least once, in random order.
    void round() {
        std::vector kinds{Kind::cut, Kind::cut, Kind::empty, Kind::rollback, Kind::freeze, Kind::freeze, Kind::slow};
        std::shuffle(kinds.begin(), kinds.end(), random_);
        world_.redis().keep_copy();
        for (const auto kind : kinds) {
            pause(100, 300);
            cause(kind);
        }
    }

    /// An instance sleeps, nobody tells it of writes, and its first poll takes a while when it wakes up.
    void oversleep() {
        const auto victim = between(0, race_instances - 1);
        auto& relay = world_.relay(victim);
        relay.delay(std::chrono::milliseconds{100});
        freeze(victim, 700, 1'200);
        pause(100, 200);
        relay.delay(std::chrono::milliseconds{0});
        pause(100, 200);
    }

    void print(int lags) const {
        std::printf(
            "faults: %d lags of the standby, %d times all connections to Redis cut, %d times Redis empty, %d times"
            " Redis rolled back, %d instances stopped, %d times the primary slow\n",
            lags, cuts_, empties_, rollbacks_, freezes_, slows_);
    }

private:
    std::uint32_t between(std::uint32_t from, std::uint32_t to) {
        return std::uniform_int_distribution<std::uint32_t>{from, to}(random_);
    }
    void pause(std::uint32_t from, std::uint32_t to) {
        std::this_thread::sleep_for(std::chrono::milliseconds{between(from, to)});  // how long the fault lasts, or the peace
    }
    void freeze(std::size_t victim, std::uint32_t from, std::uint32_t to) {
        ++freezes_;
        world_.instance(victim).signal(SIGSTOP);
        pause(from, to);
        world_.instance(victim).signal(SIGCONT);
    }

    void cause(Kind kind) {
        const auto victim = between(0, race_instances - 1);
        switch (kind) {
            case Kind::cut:
                ++cuts_;
                world_.redis().command({"CLIENT", "KILL", "TYPE", "normal"});
                world_.redis().command({"CLIENT", "KILL", "TYPE", "pubsub"});
                break;
            case Kind::empty:
                ++empties_;
                world_.redis().kill();
                pause(0, 300);
                world_.redis().restart();
                break;
            case Kind::rollback:
                ++rollbacks_;
                world_.redis().kill();
                pause(0, 300);
                world_.redis().restart_with_copy();
                break;
            case Kind::freeze:
                freeze(victim, 300, 1'500);
                break;
            case Kind::slow:
                ++slows_;
                world_.relay(victim).delay(std::chrono::milliseconds{between(5, 60)});
                pause(300, 1'000);
                world_.relay(victim).delay(std::chrono::milliseconds{0});
                break;
        }
    }

    RaceWorld& world_;
    std::mt19937 random_;
    int cuts_ = 0;
    int empties_ = 0;
    int rollbacks_ = 0;
    int freezes_ = 0;
    int slows_ = 0;
};

}  // namespace sluice::test

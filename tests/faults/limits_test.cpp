// Four processes lease the limits of the same keys from one Redis while they are killed and frozen and Redis hangs. Then
// their logs are put together, and every window of every key is counted.
//
// The moment of an admission is the reading of the clock by which the limiter found its lease alive; the driver's main.cpp
// shows how it gets at it. That is what the limiter promises: a request is admitted at the moment it is decided, and if the
// process is stopped right then, the client just hears of it later. Moments of different processes compare, as they are
// readings of the machine's one monotonic clock. So the count is exact: no tolerance is needed, and none is given.
#include "limiter_driver/admission_log.hpp"
#include "limiter_driver/load.hpp"
#include "support/process.hpp"
#include "support/redis_server.hpp"
#include "support/window_check.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr std::size_t fleet_size = 4;

/// By how much the wall clock, which Redis counts by, is ahead of the monotonic one.
std::chrono::nanoseconds wall_clock_offset() {
    timespec boot{};
    timespec wall{};
    ::clock_gettime(CLOCK_BOOTTIME, &boot);
    ::clock_gettime(CLOCK_REALTIME, &wall);
    return std::chrono::seconds{wall.tv_sec - boot.tv_sec} + std::chrono::nanoseconds{wall.tv_nsec - boot.tv_nsec};
}

/// Four drivers, and the logs of all that ever ran.
class Fleet {
public:
    Fleet(std::string policy, unsigned threads, int window_percent = 100)
        : policy_{std::move(policy)}, threads_{threads}, window_percent_{window_percent} {
        for (auto& member : members_) start(member);
    }

    RedisServer& redis() { return redis_; }
    void restart(std::size_t i) {
        members_[i].process->kill();
        start(members_[i]);
    }
    void signal(std::size_t i, int number) { members_[i].process->signal(number); }

    std::uint64_t total(std::atomic<std::uint64_t> AdmissionLog::Totals::*count) const {
        std::uint64_t sum = 0;
        for (const auto& log : logs_) sum += log->totals().*count;
        return sum;
    }
    std::uint64_t requests() const { return total(&AdmissionLog::Totals::requests); }
    bool decides(std::uint64_t more) {
        const auto before = requests();
        return eventually([&] { return requests() >= before + more; }, 60s);
    }
    /// All reach Redis and know of each other.
    bool complete() {
        return eventually(
            [&] {
                return std::all_of(members_.begin(), members_.end(), [&](const Member& member) {
                    const auto& totals = logs_[member.log]->totals();
                    return totals.available == 1 && totals.instances >= fleet_size;
                });
            },
            60s);
    }

    /// Ends all of them, and says whether none had ended by itself.
    bool end() {
        bool all = true;
        for (auto& member : members_) {
            all = member.process->running() && all;
            member.process->kill();
        }
        return all;
    }

    /// By key. After `end`.
    std::vector<std::vector<WindowEntry>> admissions(std::size_t keys) const {
        std::vector<std::vector<WindowEntry>> all(keys);
        std::size_t misplaced = 0;
        for (std::size_t process = 0; process < logs_.size(); ++process) {
            for (const auto& one : logs_[process]->admissions()) {
                if (one.decided < one.called || one.decided > one.answered) ++misplaced;
                all.at(one.key).push_back({one.decided, one.cost, process, one.instances});
            }
        }
        EXPECT_EQ(misplaced, 0U) << "the moment of a decision lies between the question and the answer";
        return all;
    }
    std::size_t processes() const { return logs_.size(); }

private:
    struct Member {
        std::unique_ptr<ChildProcess> process;
        std::size_t log = 0;
    };

    void start(Member& member) {
        member.log = logs_.size();
        const auto file = directory_.path() / ("log" + std::to_string(member.log));
        logs_.push_back(std::make_unique<AdmissionLog>(file));
        std::vector<std::string> command{SLUICE_LIMITER_DRIVER,
                                         redis_.url(),
                                         file.string(),
                                         policy_,
                                         std::to_string(threads_),
                                         std::to_string(fleet_size),
                                         std::to_string(window_percent_)};
        member.process = std::make_unique<ChildProcess>(command, directory_.path() / "output");
    }

    const std::string policy_;
    const unsigned threads_;
    const int window_percent_;
    RedisServer redis_;
    TemporaryDirectory directory_;
    std::vector<std::unique_ptr<AdmissionLog>> logs_;  // of every process, in the order of their starts
    std::array<Member, fleet_size> members_;           // last: they end first
};

/// What happens to a fleet, at random. The seed is printed; SLUICE_FAULT_SEED repeats one.
class Faults {
public:
    enum class Kind {
        kill,     // kill -9, and a new process in its place
        freeze,   // SIGSTOP for longer than the longest lease, 250 ms, and than callers wait for Redis
        stutter,  // SIGSTOP for longer than a lease of a second's window, but less than callers wait: answers are late
        drop,     // every connection to Redis is closed
        pause,    // Redis answers nothing for longer than its clients wait
    };

    explicit Faults(Fleet& fleet) : fleet_{fleet} {
        const char* given = std::getenv("SLUICE_FAULT_SEED");
        seed_ = given ? static_cast<std::uint32_t>(std::stoul(given)) : std::random_device{}();
        random_.seed(seed_);
        std::printf("seed %u (SLUICE_FAULT_SEED repeats it)\n", seed_);
    }

    /// Each kind at least once, in random order, between them some requests.
    void round() {
        std::vector kinds{Kind::pause};
        kinds.insert(kinds.end(), 2, Kind::kill);
        kinds.insert(kinds.end(), 2, Kind::freeze);
        kinds.insert(kinds.end(), 3, Kind::stutter);
        kinds.insert(kinds.end(), 2, Kind::drop);
        std::shuffle(kinds.begin(), kinds.end(), random_);
        for (const auto kind : kinds) {
            ASSERT_TRUE(fleet_.decides(between(5'000, 30'000)));
            cause(kind);
        }
        ASSERT_TRUE(fleet_.complete());
    }

    int kills() const { return kills_; }
    int freezes() const { return freezes_; }
    int drops() const { return drops_; }
    int pauses() const { return pauses_; }

private:
    std::uint32_t between(std::uint32_t from, std::uint32_t to) {
        return std::uniform_int_distribution<std::uint32_t>{from, to}(random_);
    }

    void cause(Kind kind) {
        const auto victim = between(0, fleet_size - 1);
        switch (kind) {
            case Kind::kill:
                ++kills_;
                fleet_.restart(victim);
                break;
            case Kind::freeze: {
                ++freezes_;
                const bool two = between(0, 1) == 1;
                fleet_.signal(victim, SIGSTOP);
                if (two) fleet_.signal((victim + 1) % fleet_size, SIGSTOP);
                std::this_thread::sleep_for(milliseconds{between(260, 700)});  // this is the fault
                fleet_.signal(victim, SIGCONT);
                if (two) fleet_.signal((victim + 1) % fleet_size, SIGCONT);
                break;
            }
            case Kind::stutter:
                for (int i = 0; i < 10; ++i) {
                    ++freezes_;
                    const auto one = between(0, fleet_size - 1);
                    fleet_.signal(one, SIGSTOP);
                    std::this_thread::sleep_for(milliseconds{between(30, 120)});  // this is the fault
                    fleet_.signal(one, SIGCONT);
                    ASSERT_TRUE(fleet_.decides(between(100, 5'000)));
                }
                break;
            case Kind::drop:
                ++drops_;
                fleet_.redis().command({"CLIENT", "KILL", "TYPE", "normal"});
                break;
            case Kind::pause: {
                ++pauses_;
                const auto before = without_redis();
                const auto length = std::to_string(between(400, 1'000));
                fleet_.redis().command({"CLIENT", "PAUSE", length, "ALL"});
                EXPECT_TRUE(eventually([&] { return without_redis() > before; })) << "nobody noticed that Redis hangs";
                ASSERT_TRUE(fleet_.complete());  // else an outage could go on until the instances forget each other
                break;
            }
        }
    }
    std::uint64_t without_redis() const {
        return fleet_.total(&AdmissionLog::Totals::refused) + fleet_.total(&AdmissionLog::Totals::local);
    }

    Fleet& fleet_;
    std::uint32_t seed_ = 0;
    std::mt19937 random_;
    int kills_ = 0;
    int freezes_ = 0;
    int drops_ = 0;
    int pauses_ = 0;
};

/// The findings of all keys of a group, for one of its limits.
struct GroupFindings {
    std::string tier;
    LoadGroup::Pattern pattern;
    std::uint64_t limit = 0;
    milliseconds window{0};
    std::uint64_t admitted = 0;
    std::uint64_t fullest = 0;
    std::uint64_t over = 0;
    std::uint64_t over_of_redis = 0;
    std::uint64_t beyond_bound = 0;
    double of_bound = 0;
    double used = 0;  ///< of what the limit allows from the first admission to the last
};

std::vector<GroupFindings> judge(const Fleet& fleet) {
    const auto groups = load_groups();
    std::size_t keys = 0;
    for (const auto& group : groups) keys += group.keys;
    const auto admissions = fleet.admissions(keys);
    std::int64_t first = std::numeric_limits<std::int64_t>::max();
    std::int64_t last = 0;
    for (const auto& of_key : admissions) {
        for (const auto& one : of_key) {
            first = std::min(first, one.at);
            last = std::max(last, one.at);
        }
    }
    std::vector<GroupFindings> all;
    std::size_t key = 0;
    for (const auto& group : groups) {
        for (const auto& limit : group.limits) {
            GroupFindings sum{group.tier, group.pattern, limit.requests, limit.window};
            for (std::size_t i = 0; i < group.keys; ++i) {
                const auto found = check_windows(admissions[key + i], limit.requests, limit.window);
                sum.admitted += found.tokens;
                sum.fullest = std::max(sum.fullest, found.fullest);
                sum.over += found.over;
                sum.over_of_redis += found.over_of_redis;
                sum.beyond_bound += found.beyond_bound;
                sum.of_bound = std::max(sum.of_bound, found.of_bound);
            }
            const double windows = static_cast<double>(last - first) / 1e6 / static_cast<double>(limit.window.count());
            sum.used = static_cast<double>(sum.admitted) / (windows * static_cast<double>(limit.requests) * group.keys);
            all.push_back(sum);
        }
        key += group.keys;
    }
    return all;
}

void print(const Fleet& fleet, const std::vector<GroupFindings>& findings) {
    std::printf("%zu processes, %llu requests: %llu rejected, %llu refused without Redis, %llu admitted without Redis\n",
                fleet.processes(), static_cast<unsigned long long>(fleet.requests()),
                static_cast<unsigned long long>(fleet.total(&AdmissionLog::Totals::rejected)),
                static_cast<unsigned long long>(fleet.total(&AdmissionLog::Totals::refused)),
                static_cast<unsigned long long>(fleet.total(&AdmissionLog::Totals::local)));
    std::printf("%-9s %7s %6s %9s %6s %8s %8s %9s %9s\n", "tier", "limit", "window", "admitted", "used", "fullest", "excess",
                "of bound", "too full");
    for (const auto& one : findings) {
        const auto excess = 100.0 * (static_cast<double>(one.fullest) / static_cast<double>(one.limit) - 1);
        std::printf("%-9s %7llu %5lds %9llu %5.1f%% %8llu %7.1f%% %8.1f%% %9llu\n", one.tier.c_str(),
                    static_cast<unsigned long long>(one.limit), static_cast<long>(one.window.count() / 1'000),
                    static_cast<unsigned long long>(one.admitted), 100 * one.used,
                    static_cast<unsigned long long>(one.fullest), std::max(0.0, excess), 100 * one.of_bound,
                    static_cast<unsigned long long>(one.over));
    }
    std::fflush(stdout);
}

/// That it was worth looking: every kind of fault came, and the limits were really reached.
void expect_pressure(const Faults& faults, const std::vector<GroupFindings>& findings) {
    std::printf("faults: %d kills, %d freezes, %d times all connections dropped, %d pauses of Redis\n", faults.kills(),
                faults.freezes(), faults.drops(), faults.pauses());
    EXPECT_GT(faults.kills(), 0);
    EXPECT_GT(faults.freezes(), 0);
    EXPECT_GT(faults.drops(), 0);
    EXPECT_GT(faults.pauses(), 0);
    // How much of a limit is used depends on how fast the build is; that it can be used does not depend on it.
    for (const auto& one : findings) {
        if (one.pattern != LoadGroup::Pattern::hot) continue;
        EXPECT_GE(one.fullest, one.limit * 8 / 10) << one.tier << " never came near its limit";
        EXPECT_GT(one.used, 0.02) << one.tier << " is refused for no reason";
    }
}

/// The condition that no test can keep.
void expect_steady_clock(std::chrono::nanoseconds offset_before) {
    const auto stepped = wall_clock_offset() - offset_before;
    EXPECT_LT(std::chrono::abs(stepped), 20ms)
        << "somebody set this machine's clock during the test, which excuses everything";
}

}  // namespace

TEST(WindowCheck, CountsWhatIsLessThanAWindowApart) {
    const auto check = [](std::vector<WindowEntry> entries) { return check_windows(std::move(entries), 2, 10ns); };
    EXPECT_EQ(check({{0}, {5}, {10}, {15}}).over, 0U);
    EXPECT_EQ(check({{15}, {9}, {0}, {5}}).over, 1U) << "0 to 9; but not 5 to 15";
    EXPECT_EQ(check({{0, 2}, {9}}).fullest, 3U);
    const auto local = check({{0, 2, 1}, {5, 1, 2, 2}, {6, 1, 3, 2}, {7, 1, 3, 2}});
    EXPECT_EQ(local.over_of_redis, 0U);
    EXPECT_EQ(local.fullest, 5U);
    EXPECT_EQ(local.beyond_bound, 1U) << "the limit and two shares of one are four";
}

TEST(LimitFaults, NoWindowEverHoldsMoreThanItsLimit) {
    constexpr std::uint64_t enough = 1'000'000;
    const auto offset = wall_clock_offset();
    Fleet fleet{"closed", 2};
    ASSERT_TRUE(fleet.complete());
    Faults faults{fleet};
    for (int rounds = 0; rounds < 4 || fleet.requests() < enough; ++rounds) {
        faults.round();
        if (HasFatalFailure()) return;
    }
    EXPECT_TRUE(fleet.end()) << "a driver ended by itself";
    const auto findings = judge(fleet);
    print(fleet, findings);
    expect_pressure(faults, findings);
    expect_steady_clock(offset);
    EXPECT_GT(fleet.total(&AdmissionLog::Totals::refused), 0U);
    EXPECT_EQ(fleet.total(&AdmissionLog::Totals::local), 0U);
    for (const auto& one : findings) EXPECT_EQ(one.over, 0U) << one.tier << ", a window of " << one.window.count() << " ms";
}

// One loop in each: its share is kept by a clock that is read before the lock is taken, and in between a process may stop.
TEST(LimitFaults, WithoutRedisTheExcessIsWithinTheSharesOfTheInstances) {
    const auto offset = wall_clock_offset();
    Fleet fleet{"local", 1};
    ASSERT_TRUE(fleet.complete());
    Faults faults{fleet};
    for (int rounds = 0; rounds < 2; ++rounds) {
        faults.round();
        if (HasFatalFailure()) return;
    }
    EXPECT_TRUE(fleet.end()) << "a driver ended by itself";
    const auto findings = judge(fleet);
    print(fleet, findings);
    expect_pressure(faults, findings);
    expect_steady_clock(offset);
    EXPECT_GT(fleet.total(&AdmissionLog::Totals::local), 0U);
    EXPECT_EQ(fleet.total(&AdmissionLog::Totals::refused), 0U);
    for (const auto& one : findings) {
        EXPECT_EQ(one.over_of_redis, 0U) << one.tier << ": what Redis granted stays exact";
        EXPECT_EQ(one.beyond_bound, 0U) << one.tier << ", a window of " << one.window.count() << " ms";
    }
}

// A planted mistake: with windows that are a tenth too short, what was admitted is forgotten too early.
TEST(LimitFaults, AFleetThatForgetsTooEarlyIsFoundOut) {
    Fleet fleet{"closed", 1, 90};
    ASSERT_TRUE(fleet.complete());
    ASSERT_TRUE(fleet.decides(400'000));
    EXPECT_TRUE(fleet.end());
    const auto findings = judge(fleet);
    print(fleet, findings);
    std::uint64_t over = 0;
    for (const auto& one : findings) over += one.over;
    EXPECT_GT(over, 0U);
}

}  // namespace sluice::test

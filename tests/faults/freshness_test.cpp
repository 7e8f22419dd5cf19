// Two instances answer from their caches while the rows are written, by themselves and by others, the standby lags, Redis
// forgets or remembers what is long over, and instances stand still. Then the history is read: no answer that is not marked
// as stale may lack a write that was answered more than the bound before the question was sent.
//
// All moments are the client's, by the machine's one monotonic clock: a write counts from when its client had the answer, a
// read from before it was sent. So the check is exact, however slow the machine is: no tolerance is needed, and none given.
#include "faults/race_faults.hpp"
#include "faults/race_world.hpp"
#include "support/private_stack.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

double milliseconds_of(Duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

std::uint32_t seed() {
    const char* given = std::getenv("SLUICE_SEED");
    const auto seed = given ? static_cast<std::uint32_t>(std::stoul(given)) : std::random_device{}();
    std::printf("seed %u (SLUICE_SEED repeats it)\n", seed);
    return seed;
}

std::size_t races_wanted() {
    const char* given = std::getenv("SLUICE_RACES");
    return given ? std::stoul(given) : 20'000;
}

void print(const RaceWorld& world, const RaceFindings& found) {
    const auto of_fresh = [&](std::size_t count) {
        return 100.0 * static_cast<double>(count) / static_cast<double>(std::max<std::size_t>(1, found.fresh));
    };
    std::printf("%zu writes, %zu reads: %zu fresh, %zu marked stale, %zu refused; hit ratio %.1f%%, %zu races\n",
                found.writes, found.reads, found.fresh, found.stale, world.refused(), of_fresh(found.hits), found.races);
    std::printf("behind: %.1f%% of the fresh, median %.1f ms, worst %.1f ms; while polls failed: %zu reads, worst %.1f ms\n",
                of_fresh(found.behind), milliseconds_of(found.median_behind), milliseconds_of(found.worst_behind),
                found.in_outage, milliseconds_of(found.worst_in_outage));
    std::printf("violations: %zu\n", found.violations);
    std::fflush(stdout);
}

/// With a rule taken out, faults go on until the history shows it.
RaceFindings expect_found_out(const std::string& planted, const std::function<void(RaceFaults&)>& provoke,
                              bool lagging = false) {
    PrivateStack::instance().up();
    const auto chosen = seed();
    RaceWorld world{chosen, planted};
    RaceFaults faults{world, chosen};
    std::unique_ptr<LaggingStandby> standby;
    if (lagging) standby = std::make_unique<LaggingStandby>(chosen);
    RaceFindings found;
    const auto patience = Clock::now() + 30s;
    do {
        provoke(faults);
        found = world.check();
    } while (found.violations == 0 && Clock::now() < patience);
    print(world, found);
    EXPECT_GT(found.violations, 0U) << "without " << planted << " nothing was noticed";
    return found;
}

void go_on(RaceFaults&) { std::this_thread::sleep_for(300ms); }  // for as long as it takes: see expect_found_out

}  // namespace

TEST(RaceCheck, CountsAnswersThatLackAWriteOfLongAgo) {
    const TimePoint start{1h};
    const std::vector<RaceWrite> writes{{1, 1, start}, {1, 3, start + 100ms}, {1, 2, start + 200ms}, {2, 1, start}};
    const auto read = [&](std::int64_t version, Duration at, RaceRead::How how = RaceRead::How::level_one) {
        return RaceRead{1, version, how, 0, start + at, start + at + 1ms};
    };
    const auto check = [&](std::vector<RaceRead> reads, const RaceBounds& bounds = {}) {
        return check_races(writes, reads, bounds);
    };
    EXPECT_EQ(check({read(3, 1h), read(4, 1h)}).behind, 0U);
    EXPECT_EQ(check({read(0, 500ms)}).violations, 0U) << "just within the bound";
    EXPECT_EQ(check({read(0, 501ms)}).violations, 1U);
    EXPECT_EQ(check({read(0, 501ms, RaceRead::How::stale)}).violations, 0U) << "promises nothing";
    EXPECT_EQ(check({read(0, 501ms, RaceRead::How::loaded)}).violations, 1U);
    EXPECT_EQ(check({read(-1, 501ms)}).violations, 1U) << "no such row";
    EXPECT_EQ(check({read(2, 601ms)}).violations, 1U) << "3 was answered before 2";
    EXPECT_EQ(check({read(1, 600ms)}).worst_behind, 500ms);
    EXPECT_EQ(check({read(3, -1ms), read(3, 0ms), read(3, 700ms), read(3, 701ms)}).races, 2U);

    RaceBounds outage;
    outage.failing[0] = {{start + 1s, start + 2s}};
    EXPECT_EQ(check({read(0, 999ms), read(0, 2s)}, outage).violations, 0U) << "it may have been judged in the outage";
    EXPECT_EQ(check({read(0, 998ms), read(0, 2001ms)}, outage).violations, 2U);
    outage.failing[0].front().to = TimePoint::max();
    EXPECT_EQ(check({read(0, 5'500ms), read(0, 5'501ms)}, outage).violations, 1U);
}

TEST(FreshnessFaults, NoFreshAnswerIsFurtherBehindThanItsBound) {
    PrivateStack::instance().up();
    const auto chosen = seed();
    RaceWorld world{chosen, ""};
    RaceFaults faults{world, chosen};
    {
        LaggingStandby standby{chosen};
        RaceFindings found;
        for (int rounds = 0; rounds < 5 || found.races < races_wanted(); ++rounds) {
            faults.round();
            found = world.check();
        }
        print(world, found);
        faults.print(standby.lags());
        EXPECT_EQ(found.violations, 0U);
        EXPECT_GT(standby.lags(), 0);
        EXPECT_GT(found.hits, found.fresh / 2) << "a cache that is hardly used proves nothing";
        EXPECT_GT(found.behind, 0U) << "nothing ever raced";
        EXPECT_LT(found.in_outage, found.reads / 10) << "the primary was there all the time";
    }

    // An instance that reaches the primary no more, but the standby, which follows: its answers may be as old as the grace.
    world.relay(0).hold();
    std::this_thread::sleep_for(7s);  // this is the fault; beyond the grace
    world.relay(0).release();
    std::this_thread::sleep_for(1s);  // of load, when all is well again
    const auto found = world.check();
    print(world, found);
    EXPECT_EQ(found.violations, 0U);
    EXPECT_GT(found.in_outage, 100U) << "nobody asked while polls failed";
    EXPECT_GT(found.worst_in_outage, 500ms) << "the other bound was not needed";
    EXPECT_EQ(world.trouble(), "");
}

TEST(FreshnessFaults, WithoutLabelsTheLagOfAReplicaIsFoundOut) { expect_found_out("label", go_on, true); }

TEST(FreshnessFaults, WithoutTheAgeOfPollsAnInstanceThatOversleptIsFoundOut) {
    expect_found_out("poll_age", [](RaceFaults& faults) { faults.oversleep(); });
}

TEST(FreshnessFaults, WithoutTellingLatePollsFromFailingOnesAnInstanceThatOversleptIsFoundOut) {
    expect_found_out("late_polls", [](RaceFaults& faults) { faults.oversleep(); });
}

TEST(FreshnessFaults, WithoutTransactionsThatCommitLateTheyAreFoundOut) { expect_found_out("running_writers", go_on); }

TEST(FreshnessFaults, WithoutThoseThatRanWhenALabelWasTakenTheyAreFoundOut) { expect_found_out("running_label", go_on); }

TEST(FreshnessFaults, WithoutTheTablesOwnTagBulkChangesAreFoundOut) {
    for (const auto row : expect_found_out("table_tag", go_on).violated_rows) {
        EXPECT_EQ(race_rows.at(row).kind, RaceRow::Kind::bulk) << row << ": the other tables' tags are heard of";
    }
}

}  // namespace sluice::test

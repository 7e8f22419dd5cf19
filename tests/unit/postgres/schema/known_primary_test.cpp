#include "postgres/schema/known_primary.hpp"

#include "postgres/connection/snapshot_text.hpp"

#include <gtest/gtest.h>

namespace sluice::postgres {
namespace {

using std::chrono::milliseconds;

const TimePoint start{std::chrono::hours{1}};
constexpr ServerIdentity primary{77, 2, 5, 1000, false};
constexpr ServerIdentity standby{77, 2, 5, 2000, true};

Poll poll_at(int ms, std::uint64_t lsn, std::uint64_t xmax, HistoryId history = 1) {
    Poll poll;
    poll.sent = start + milliseconds{ms};
    poll.coherent = true;
    poll.identity = primary;
    poll.history = history;
    poll.snapshot.xmax = xmax;
    poll.lsn = poll.insert_lsn = lsn;
    return poll;
}

}  // namespace

TEST(Standing, TellsAReplicaOfThisPrimaryFromAllElse) {
    EXPECT_EQ(standing_of(standby, {}), Standing::unknown);
    EXPECT_EQ(standing_of(standby, primary), Standing::standby);
    EXPECT_EQ(standing_of({78, 2, 5, 2000, true}, primary), Standing::other_cluster);
    EXPECT_EQ(standing_of({78, 2, 5, 1000, false}, primary), Standing::other_cluster);
    EXPECT_EQ(standing_of({77, 1, 5, 2000, true}, primary), Standing::other_timeline);
    EXPECT_EQ(standing_of({77, 3, 5, 2000, true}, primary), Standing::other_timeline);
    EXPECT_EQ(standing_of({77, 3, 5, 2000, false}, primary), Standing::promoted);
    EXPECT_EQ(standing_of({77, 2, 5, 2000, false}, primary), Standing::promoted)
        << "started at another time: another server";
    EXPECT_EQ(standing_of(primary, primary), Standing::primary);
    EXPECT_EQ(standing_of({0, 0, 5, 2000, true}, primary), Standing::unknown) << "the role may not read its control file";
    EXPECT_EQ(standing_of({0, 2, 5, 2000, false}, primary), Standing::promoted);
    for (const auto standing : {Standing::unknown, Standing::standby, Standing::primary}) EXPECT_TRUE(is_replica(standing));
    for (const auto standing : {Standing::promoted, Standing::other_cluster, Standing::other_timeline})
        EXPECT_FALSE(is_replica(standing)) << to_string(standing);
}

TEST(KnownPrimary, LabelsWhatAStandbyReadsByTheNewestPollThatItHasReached) {
    KnownPrimary known;
    EXPECT_FALSE(known.label_at(1'000'000, standby)) << "no poll yet";
    known.polled(poll_at(0, 10'100, 50));
    known.polled(poll_at(100, 10'200, 60));
    known.polled(poll_at(200, 10'300, 70));
    EXPECT_FALSE(known.label_at(10'099, standby)) << "before all that is remembered";
    for (const auto& [replayed, xmax] :
         {std::pair{10'100U, 50U}, {10'199U, 50U}, {10'200U, 60U}, {10'299U, 60U}, {10'300U, 70U}, {99'999U, 70U}}) {
        const auto label = known.label_at(replayed, standby);
        ASSERT_TRUE(label) << replayed;
        EXPECT_EQ(label->snapshot.xmax, xmax) << replayed;
        EXPECT_EQ(label->history, 1U);
    }
    EXPECT_FALSE(known.label_at(10'300, primary)) << "no standby";
    EXPECT_FALSE(known.label_at(10'300, {77, 1, 5, 2000, true})) << "of another timeline";
}

TEST(KnownPrimary, WhatBecameVisibleWithoutALogRecordIsInTheNewestPollThere) {
    KnownPrimary known;
    known.polled(poll_at(0, 10'100, 50));
    known.polled(poll_at(100, 10'100, 60));
    EXPECT_EQ(known.label_at(10'100, standby)->snapshot.xmax, 60U);
}

TEST(KnownPrimary, ANewHistoryDropsAllMarks) {
    KnownPrimary known;
    known.polled(poll_at(0, 10'100, 50));
    known.polled(poll_at(100, 10'050, 40, 2));
    EXPECT_EQ(known.history(), 2U);
    EXPECT_FALSE(known.label_at(10'049, standby));
    EXPECT_EQ(known.label_at(10'100, standby)->snapshot.xmax, 40U);
    EXPECT_EQ(known.label_at(10'100, standby)->history, 2U);
}

TEST(KnownPrimary, FrequentPollsAreThinnedOutAndTheNewestStays) {
    KnownPrimary known;
    for (unsigned i = 1; i <= 1'000; ++i) known.polled(poll_at(static_cast<int>(i), 10'000 + i * 50, i));
    EXPECT_EQ(known.label_at(1'000'000, standby)->snapshot.xmax, 1'000U);
    const auto label = known.label_at(10'000 + 500 * 50, standby);
    ASSERT_TRUE(label);
    EXPECT_LE(label->snapshot.xmax, 500U);
    EXPECT_GE(label->snapshot.xmax, 400U);
}

TEST(KnownPrimary, APagesHeaderIsNoPartOfTheLog) {
    EXPECT_EQ(without_page_header(8192 * 5), 8192U * 5);
    EXPECT_EQ(without_page_header(8192 * 5 + 24), 8192U * 5);
    EXPECT_EQ(without_page_header(8192 * 5 + 40), 8192U * 5);
    EXPECT_EQ(without_page_header(8192 * 5 + 64), 8192U * 5 + 64);
}

TEST(Snapshot, IsReadAsPostgresqlWritesIt) {
    EXPECT_EQ(parse_snapshot("730:730:"), (Snapshot{730, {}}));
    EXPECT_EQ(parse_snapshot("10:20:10,14,15"), (Snapshot{20, {10, 14, 15}}));
    EXPECT_EQ(parse_snapshot("18446744073709551610:18446744073709551614:18446744073709551610"),
              (Snapshot{18446744073709551614U, {18446744073709551610U}}));
    EXPECT_EQ(running_literal({20, {10, 14}}), "{10,14}");
    EXPECT_EQ(running_literal({}), "{}");
}

TEST(Snapshot, ContainsWhatHadCommitted) {
    const Snapshot snapshot{20, {10, 14}};
    EXPECT_TRUE(snapshot.contains(9));
    EXPECT_FALSE(snapshot.contains(10));
    EXPECT_TRUE(snapshot.contains(19));
    EXPECT_FALSE(snapshot.contains(20));
}

TEST(Snapshot, CoversAnotherIfItHasAllThatThatHas) {
    const Snapshot snapshot{20, {10, 14}};
    EXPECT_TRUE(snapshot.covers(snapshot));
    EXPECT_TRUE(snapshot.covers({20, {10, 12, 14}}));
    EXPECT_TRUE(snapshot.covers({15, {10, 14}}));
    EXPECT_TRUE(snapshot.covers({14, {10}}));
    EXPECT_FALSE(snapshot.covers({20, {10}})) << "14 had committed";
    EXPECT_FALSE(snapshot.covers({21, {10, 14}})) << "20 may have";
    EXPECT_TRUE((Snapshot{30, {25}}).covers(snapshot));
    EXPECT_FALSE((Snapshot{30, {12}}).covers(snapshot));
}

TEST(Snapshot, ShortenedItIsOlderButNeverWrong) {
    const Snapshot snapshot{20, {10, 14, 16}};
    EXPECT_EQ(snapshot.shortened(3), snapshot);
    EXPECT_EQ(snapshot.shortened(2), (Snapshot{16, {10, 14}}));
    EXPECT_EQ(snapshot.shortened(0), (Snapshot{10, {}}));
    EXPECT_TRUE(snapshot.covers(snapshot.shortened(1)));
}

}  // namespace sluice::postgres

#include "policy/purge_history.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace sluice::policy {

using namespace std::chrono_literals;

namespace {

constexpr TimePoint start{1h};

}  // namespace

TEST(PurgeHistory, TakesByTheLabelWhereThereIsOneAndByTimeOtherwise) {
    PurgeHistory purges;
    EXPECT_TRUE(purges.empty());
    EXPECT_FALSE(purges.takes(TimePoint::min(), nullptr));
    purges.add(100, start);
    const Snapshot before{100, {}};
    const Snapshot after{101, {}};
    const Snapshot running{120, {90, 100}};
    const Snapshot others_running{120, {90, 110}};
    EXPECT_TRUE(purges.takes(start - 1s, &before));
    EXPECT_TRUE(purges.takes(start + 1s, &before)) << "read late, from a replica that is behind";
    EXPECT_FALSE(purges.takes(start - 1s, &after)) << "learned of late, as by a poll";
    EXPECT_TRUE(purges.takes(start - 1s, &running));
    EXPECT_FALSE(purges.takes(start - 1s, &others_running));
    EXPECT_TRUE(purges.takes(start, nullptr));
    EXPECT_FALSE(purges.takes(start + 1ns, nullptr));
}

TEST(PurgeHistory, OneWithoutATransactionTakesByTimeWhateverTheLabel) {
    PurgeHistory purges;
    purges.add(0, start);
    const Snapshot label{1'000, {}};
    EXPECT_TRUE(purges.takes(start, &label));
    EXPECT_FALSE(purges.takes(start + 1ns, &label));
    purges.add(2'000, start + 1s);
    EXPECT_TRUE(purges.takes(start + 2s, &label)) << "then it was recorded, and the load did not see it";
}

TEST(PurgeHistory, InAnotherHistoryItTakesByTime) {
    PurgeHistory purges;
    purges.add(100, start);
    purges.forget_transactions();
    const Snapshot of_the_new_one{5, {}};
    EXPECT_TRUE(purges.takes(start, nullptr));
    EXPECT_FALSE(purges.takes(start + 1s, &of_the_new_one));
}

TEST(PurgeHistory, WhatIsAbsorbedTakesNoLess) {
    std::mt19937 random{7};
    for (int round = 0; round < 2'000; ++round) {
        PurgeHistory one;
        PurgeHistory all;
        std::set<std::uint64_t> xids;
        for (int i = 0; i < 5; ++i) {
            const std::uint64_t xid = random() % 40;
            one.add(xid, start + std::chrono::seconds{i});
            if (xid != 0) xids.insert(xid);
        }
        all.absorb(one);
        std::vector<std::uint64_t> running{random() % 40, 40 + random() % 5};
        const Snapshot label{random() % 50, running};
        const TimePoint loaded = start + std::chrono::seconds{random() % 8};
        bool lacks = false;
        for (const auto xid : xids) lacks = lacks || !label.contains(xid);
        if (lacks) EXPECT_TRUE(one.takes(loaded, &label));
        if (one.takes(loaded, &label)) EXPECT_TRUE(all.takes(loaded, &label));
        if (one.takes(loaded, nullptr)) EXPECT_TRUE(all.takes(loaded, nullptr));
    }
}

}  // namespace sluice::policy

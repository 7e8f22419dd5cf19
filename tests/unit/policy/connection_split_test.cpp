#include "policy/connection_split.hpp"

#include <gtest/gtest.h>

namespace sluice::policy {

TEST(ConnectionSplit, EveryLoopGetsEquallyManyOrNone) {
    struct Case {
        unsigned readers, loops, workers, per_loop;
    };
    for (const auto& [readers, loops, workers, per_loop] : {
             Case{8, 0, 8, 0},    // nobody would use them
             Case{8, 1, 4, 4},    // half
             Case{8, 2, 4, 2},    //
             Case{8, 3, 5, 1},    //
             Case{8, 6, 2, 1},    // a quarter stays
             Case{8, 7, 8, 0},    // it would not
             Case{8, 16, 8, 0},   //
             Case{4, 2, 2, 1},    //
             Case{3, 2, 1, 1},    // one stays
             Case{2, 2, 2, 0},    //
             Case{2, 1, 1, 1},    //
             Case{1, 1, 1, 0},    //
             Case{0, 1, 0, 0},    //
             Case{100, 2, 92, 4}  // more of one loop gain nothing
         }) {
        const auto split = split_readers(readers, loops);
        EXPECT_EQ(split.workers, workers) << readers << " readers, " << loops << " loops";
        EXPECT_EQ(split.per_loop, per_loop) << readers << " readers, " << loops << " loops";
    }
}

TEST(ConnectionSplit, LosesNoneAndLeavesAQuarterToTheWorkers) {
    for (unsigned readers = 1; readers <= 64; ++readers) {
        for (unsigned loops = 0; loops <= 64; ++loops) {
            const auto split = split_readers(readers, loops);
            EXPECT_EQ(split.workers + split.per_loop * loops, readers);
            EXPECT_GE(split.workers, (readers + 3) / 4);
        }
    }
}

}  // namespace sluice::policy

#include "postgres/workers/session.hpp"

#include <gtest/gtest.h>

namespace sluice::postgres {

using std::chrono::milliseconds;

TEST(CoarseTimeout, RoundsUpToFewValuesAndNeverBeyondTheLongest) {
    struct Case {
        int remaining, longest, expected;
    };
    for (const auto& [remaining, longest, expected] : {
             Case{5'000, 5'000, 5'000},
             Case{4'999, 5'000, 5'000},
             Case{3'001, 5'000, 5'000},
             Case{3'000, 5'000, 3'000},
             Case{1'990, 5'000, 2'000},
             Case{2'000, 5'000, 2'000},
             Case{2'001, 5'000, 3'000},
             Case{1'001, 5'000, 1'500},
             Case{120, 5'000, 150},
             Case{95, 5'000, 100},
             Case{1, 5'000, 10},
             Case{0, 5'000, 10},
             Case{-5, 5'000, 10},
             Case{60'000, 4'200, 4'200},
             Case{3'500, 4'200, 4'200},
             Case{80'000, 90'000, 90'000},
             Case{5, 7, 7},
         }) {
        EXPECT_EQ(coarse_timeout(milliseconds{remaining}, milliseconds{longest}), milliseconds{expected})
            << remaining << " of " << longest;
    }
    EXPECT_EQ(coarse_timeout(Duration::max(), milliseconds{5'000}), milliseconds{5'000});
}

}  // namespace sluice::postgres

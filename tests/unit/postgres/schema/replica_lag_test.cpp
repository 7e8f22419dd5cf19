#include "postgres/schema/replica_lag.hpp"

#include <gtest/gtest.h>

namespace sluice::postgres {
namespace {

using std::chrono::milliseconds;

const TimePoint start{std::chrono::hours{1}};
TimePoint at(int ms) { return start + milliseconds{ms}; }

}  // namespace

TEST(PrimaryProgress, NobodyIsBehindBeforeTheFirstPoll) { EXPECT_EQ(PrimaryProgress{}.behind(0), Duration::zero()); }

TEST(PrimaryProgress, LagIsTheAgeOfTheNewestPolledPositionThatWasReplayed) {
    PrimaryProgress progress;
    progress.polled(at(0), 100);
    progress.polled(at(100), 200);
    progress.polled(at(200), 300);
    struct Case {
        std::uint64_t replayed;
        std::optional<Duration> lag;
    };
    for (const auto& [replayed, lag] : {
             Case{99, std::nullopt},
             Case{100, milliseconds{200}},
             Case{199, milliseconds{200}},
             Case{200, milliseconds{100}},
             Case{299, milliseconds{100}},
             Case{300, Duration::zero()},
             Case{1000, Duration::zero()},
         }) {
        EXPECT_EQ(progress.behind(replayed), lag) << replayed;
    }
}

TEST(PrimaryProgress, AnIdlePrimaryMakesNobodyLag) {
    PrimaryProgress progress;
    progress.polled(at(0), 100);
    for (int i = 1; i < 600; ++i) progress.polled(at(100 * i), 100);
    EXPECT_EQ(progress.behind(100), Duration::zero());
    progress.polled(at(60'000), 101);
    EXPECT_EQ(progress.behind(100), milliseconds{100}) << "it had everything until the poll before";
}

TEST(PrimaryProgress, StandsStillWhileNoPollsCome) {
    PrimaryProgress progress;
    progress.polled(at(0), 100);
    progress.polled(at(500), 200);
    EXPECT_EQ(progress.behind(150), milliseconds{500});
    EXPECT_EQ(progress.behind(150), milliseconds{500});
}

TEST(PrimaryProgress, StartsAnewWithAServerThatIsNotAsFar) {
    PrimaryProgress progress;
    progress.polled(at(0), 1'000);
    progress.polled(at(100), 500);
    EXPECT_EQ(progress.behind(500), Duration::zero());
    EXPECT_EQ(progress.behind(499), std::nullopt);
}

TEST(PrimaryProgress, ForgetsTheOldest) {
    PrimaryProgress progress;
    for (int i = 0; i < 10'000; ++i) progress.polled(at(100 * i), static_cast<std::uint64_t>(i));
    EXPECT_EQ(progress.behind(0), std::nullopt);
    EXPECT_EQ(progress.behind(9'990), milliseconds{900});
}

}  // namespace sluice::postgres

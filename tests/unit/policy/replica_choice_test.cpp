#include "policy/replica_choice.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace sluice::policy {

using namespace std::chrono_literals;

namespace {

constexpr Duration max_lag = 5s;
using Candidates = std::vector<Candidate>;

std::map<std::size_t, double> shares(const Candidates& candidates) {
    std::mt19937_64 random{7};
    std::map<std::size_t, double> counts;
    constexpr int draws = 20'000;
    for (int i = 0; i < draws; ++i) {
        if (const auto chosen = choose_replica(candidates, max_lag, random())) counts[*chosen] += 1.0 / draws;
    }
    return counts;
}

std::set<std::size_t> ever_chosen(const Candidates& candidates) {
    std::set<std::size_t> chosen;
    for (const auto& [index, share] : shares(candidates)) chosen.insert(index);
    return chosen;
}

}  // namespace

TEST(ReplicaChoice, WhoMayServe) {
    using Set = std::set<std::size_t>;
    const Candidate good{};
    const Candidate lags{1, 0, 6s, true};
    const Candidate lags_more{1, 0, 60s, true};
    const Candidate unknown_lag{1, 0, Duration::max(), true};
    const Candidate down{1, 0, 0s, false};
    const Candidate drained{0, 0, 0s, true};
    struct Case {
        std::string name;
        Candidates candidates;
        Set expected;
    };
    const Case cases[] = {
        {"no replica", {}, {}},
        {"one", {good}, {0}},
        {"one at the limit", {{1, 0, 5s, true}}, {0}},
        {"one just beyond", {{1, 0, 5s + 1ns, true}}, {}},
        {"one that lags", {lags}, {}},
        {"one of unknown lag", {unknown_lag}, {}},
        {"one that is down", {down}, {}},
        {"one that is drained", {drained}, {}},
        {"two", {good, good}, {0, 1}},
        {"two, one lags", {lags, good}, {1}},
        {"two, both lag: the better serves", {lags_more, lags}, {1}},
        {"two, both lag alike: one serves", {lags, lags}, {0}},
        {"two, both unknown: one serves", {unknown_lag, unknown_lag}, {0}},
        {"two, one down", {good, down}, {0}},
        {"two, both down", {down, down}, {}},
        {"two, one down, the other lags", {down, lags}, {}},
        {"three, one lags", {good, lags, good}, {0, 2}},
        {"three, two lag: one of them stays", {lags_more, good, lags}, {1, 2}},
        {"three, all lag: two stay", {lags, unknown_lag, lags_more}, {0, 2}},
        {"four, two lag: half may be out", {lags, good, lags, good}, {1, 3}},
        {"four, three lag", {lags, good, lags_more, unknown_lag}, {0, 1}},
        {"four, two down and two lag", {down, lags_more, down, lags}, {3}},
        {"drained ones do not count", {drained, drained, lags}, {}},
    };
    for (const auto& c : cases) EXPECT_EQ(ever_chosen(c.candidates), c.expected) << c.name;
}

TEST(ReplicaChoice, EqualReplicasShareEqually) {
    const auto got = shares(Candidates(4));
    ASSERT_EQ(got.size(), 4u);
    for (const auto& [index, share] : got) EXPECT_NEAR(share, 0.25, 0.02) << index;
}

TEST(ReplicaChoice, OfTwoTheLessLoadedServes) {
    EXPECT_EQ(ever_chosen({{1, 3, 0s, true}, {1, 2, 0s, true}}), (std::set<std::size_t>{1}));
    EXPECT_EQ(ever_chosen({{1, 2, 0s, true}, {1, 3, 0s, true}}), (std::set<std::size_t>{0}));
}

TEST(ReplicaChoice, TheMostLoadedOfManyNeverServes) {
    EXPECT_EQ(ever_chosen({{1, 9, 0s, true}, {1, 1, 0s, true}, {1, 5, 0s, true}}), (std::set<std::size_t>{1, 2}));
}

TEST(ReplicaChoice, OutstandingIsWeighed) {
    // 5 calls on a replica of weight 3 are less than 2 on one of weight 1.
    EXPECT_EQ(ever_chosen({{3, 5, 0s, true}, {1, 2, 0s, true}}), (std::set<std::size_t>{0}));
    EXPECT_EQ(ever_chosen({{3, 7, 0s, true}, {1, 2, 0s, true}}), (std::set<std::size_t>{1}));
}

TEST(ReplicaChoice, WeightsHoldOnAnIdleSystem) {
    auto got = shares({{1, 0, 0s, true}, {3, 0, 0s, true}});
    EXPECT_NEAR(got[0], 0.25, 0.02);
    EXPECT_NEAR(got[1], 0.75, 0.02);
}

TEST(ReplicaChoice, WeightsHoldUnderLoad) {
    std::mt19937_64 random{11};
    Candidates candidates{{1, 0, 0s, true}, {2, 0, 0s, true}, {4, 0, 0s, true}};
    for (int i = 0; i < 7000; ++i) ++candidates[*choose_replica(candidates, max_lag, random())].outstanding;
    EXPECT_NEAR(static_cast<double>(candidates[0].outstanding), 1000, 60);
    EXPECT_NEAR(static_cast<double>(candidates[1].outstanding), 2000, 60);
    EXPECT_NEAR(static_cast<double>(candidates[2].outstanding), 4000, 60);
}

TEST(ReplicaChoice, TwoChoicesKeepTheLoadEven) {
    std::mt19937_64 random{13};
    Candidates candidates(10);
    for (int i = 0; i < 10'000; ++i) ++candidates[*choose_replica(candidates, max_lag, random())].outstanding;
    for (const auto& candidate : candidates) EXPECT_NEAR(static_cast<double>(candidate.outstanding), 1000, 10);
}

TEST(ReplicaChoice, ExtremeRandomNumbersAreInRange) {
    for (const std::uint64_t random :
         {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{0xFFFFFFFF}, std::uint64_t{1} << 32}) {
        const auto chosen =
            choose_replica(Candidates{{7, 0, 0s, true}, {1, 0, 0s, true}, {2, 0, 9s, true}}, max_lag, random);
        ASSERT_TRUE(chosen);
        EXPECT_LT(*chosen, 2u);
    }
}

}  // namespace sluice::policy

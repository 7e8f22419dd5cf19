#include "policy/endpoint_choice.hpp"
#include "policy/retry_budget.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace sluice::policy {

namespace {

/// How often each is chosen.
std::vector<unsigned> shares(const std::vector<EndpointCandidate>& candidates, unsigned times = 10'000) {
    std::mt19937_64 random{1};
    std::vector<unsigned> chosen(candidates.size());
    for (unsigned i = 0; i < times; ++i) {
        const auto one = choose_endpoint(candidates, random());
        if (one) ++chosen[*one];
    }
    return chosen;
}

}  // namespace

TEST(EndpointChoice, TakesWhatIsLeft) {
    struct Case {
        std::vector<EndpointCandidate> candidates;
        std::optional<std::size_t> chosen;
    };
    const EndpointCandidate well{};
    const EndpointCandidate out{.usable = false};
    const EndpointCandidate tried{.tried = true};
    const EndpointCandidate unknown{.usable = false, .reachable = false};
    const EndpointCandidate none{.weight = 0};
    const std::vector<Case> cases{
        {{}, std::nullopt},      {{well}, 0},        {{out, well}, 1},       {{out}, 0},  // health may be judged wrongly
        {{tried}, std::nullopt}, {{tried, well}, 1}, {{tried, out}, 1},      {{unknown}, std::nullopt},
        {{unknown, out}, 1},     {{none, well}, 1},  {{none}, std::nullopt},
    };
    for (const auto& one : cases) {
        for (const std::uint64_t random : {std::uint64_t{0}, std::uint64_t{1} << 63, ~std::uint64_t{0}})
            EXPECT_EQ(choose_endpoint(one.candidates, random), one.chosen);
    }
}

TEST(EndpointChoice, SharesByWeightWhenAllAreIdle) {
    const auto chosen = shares({{.weight = 1}, {.weight = 3}});
    EXPECT_NEAR(chosen[0], 2500, 200);
    EXPECT_NEAR(chosen[1], 7500, 200);
}

TEST(EndpointChoice, OfTwoTheLessBusyForItsWeightIsTaken) {
    EXPECT_EQ(shares({{.weight = 1, .outstanding = 2}, {.weight = 1, .outstanding = 1}}),
              (std::vector<unsigned>{0, 10'000}));
    EXPECT_EQ(shares({{.weight = 1, .outstanding = 2}, {.weight = 4, .outstanding = 7}}),
              (std::vector<unsigned>{0, 10'000}));
}

TEST(RetryBudget, OfNRequestsAFifthIsRetried) {
    for (const int requests : {1, 4, 5, 9, 10, 100, 1000, 12345}) {
        RetryBudget budget{20};
        int retries = 0;
        for (int i = 0; i < requests; ++i) {
            budget.request();
            retries += budget.try_retry();
        }
        EXPECT_EQ(retries, std::max(1, requests / 5)) << requests;
    }
}

TEST(RetryBudget, SavesNoMoreThanAHundred) {
    RetryBudget budget{20};
    for (int i = 0; i < 100'000; ++i) budget.request();
    int retries = 0;
    while (budget.try_retry()) ++retries;
    EXPECT_EQ(retries, RetryBudget::most_saved);
}

TEST(RetryBudget, NothingIsNothing) {
    RetryBudget budget{0};
    for (int i = 0; i < 1000; ++i) budget.request();
    EXPECT_FALSE(budget.try_retry());
}

TEST(RetryBudget, RandomInterleavingsStayWithinTheShare) {
    for (unsigned seed = 0; seed < 100; ++seed) {
        std::mt19937 random{seed};
        const unsigned percent = static_cast<unsigned>(random() % 101);
        RetryBudget budget{percent};
        unsigned requests = 0;
        unsigned retries = 0;
        for (int i = 0; i < 3000; ++i) {
            if (random() % 2 == 0) {
                budget.request();
                ++requests;
            } else {
                retries += budget.try_retry();
            }
            ASSERT_LE(retries, std::max(1u, requests * percent / 100)) << "seed " << seed;
        }
    }
}

}  // namespace sluice::policy

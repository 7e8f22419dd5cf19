#include "policy/connection_allowance.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

namespace sluice::policy {

using namespace std::chrono_literals;
using User = ConnectionAllowance::User;

namespace {

constexpr TimePoint start{1h};
constexpr std::array pool_users{User::writers, User::workers, User::loops};

}  // namespace

TEST(ConnectionAllowance, ARefusalIsToldOnceAndTriedAgainSeldom) {
    ConnectionAllowance allowance;
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(allowance.made(User::workers, start));
    EXPECT_TRUE(allowance.refused(User::workers, start));
    EXPECT_FALSE(allowance.made(User::workers, start + 1ms)) << "it was under way";
    EXPECT_FALSE(allowance.may_connect(User::workers, start));
    EXPECT_FALSE(allowance.may_connect(User::workers, start + 4999ms));
    EXPECT_TRUE(allowance.may_connect(User::workers, start + 5s));
    EXPECT_FALSE(allowance.refused(User::workers, start + 5s)) << "told";
    EXPECT_FALSE(allowance.may_connect(User::workers, start + 14s)) << "twice as long";
    EXPECT_TRUE(allowance.made(User::workers, start + 15s)) << "there is room for more: that is news";
    EXPECT_TRUE(allowance.refused(User::workers, start + 20s));
}

TEST(ConnectionAllowance, AConnectionThatWentMakesRoomForAnother) {
    ConnectionAllowance allowance;
    for (int i = 0; i < 2; ++i) allowance.made(User::loops, start);
    allowance.refused(User::loops, start);
    allowance.gone(User::loops);
    EXPECT_TRUE(allowance.may_connect(User::loops, start));
    EXPECT_FALSE(allowance.made(User::loops, start)) << "as many as before";
}

TEST(ConnectionAllowance, WhoHasNoneIsGivenOneByWhoHasTheMost) {
    ConnectionAllowance allowance;
    for (int i = 0; i < 3; ++i) allowance.made(User::writers, start);
    for (int i = 0; i < 2; ++i) allowance.made(User::workers, start);
    EXPECT_FALSE(allowance.give_up(User::writers)) << "nobody wants one";
    allowance.refused(User::loops, start);
    EXPECT_TRUE(allowance.wanted());
    EXPECT_TRUE(allowance.may_connect(User::loops, start + ConnectionAllowance::pause_without)) << "tries often";
    EXPECT_FALSE(allowance.give_up(User::workers));
    EXPECT_TRUE(allowance.give_up(User::writers));
    EXPECT_FALSE(allowance.give_up(User::writers)) << "one is enough";
    EXPECT_EQ(allowance.total(), 4U);
    EXPECT_FALSE(allowance.may_connect(User::writers, start)) << "it is for the other";
    EXPECT_FALSE(allowance.made(User::loops, start));
    EXPECT_FALSE(allowance.wanted());
}

TEST(ConnectionAllowance, ThePoolMakesRoomForOthersButKeepsOneOfEach) {
    ConnectionAllowance allowance;
    for (const auto user : pool_users) allowance.made(user, start);
    EXPECT_TRUE(allowance.refused(User::other, start));
    for (const auto user : pool_users) EXPECT_FALSE(allowance.give_up(user));
    allowance.made(User::workers, start);
    EXPECT_TRUE(allowance.give_up(User::workers));
}

// A server of a random limit that changes, and users that ask at random.
TEST(ConnectionAllowance, EveryUserHasOneSoonWhateverTheLimitIs) {
    std::mt19937_64 random{13};
    for (int round = 0; round < 300; ++round) {
        ConnectionAllowance allowance;
        std::array<std::size_t, 3> have{};
        const auto there = [&] { return have[0] + have[1] + have[2]; };
        const std::size_t most = 4;
        std::size_t limit = 3 + random() % 8;
        auto now = start;
        for (int step = 0; step < 4000; ++step) {
            now += 10ms;
            const auto which = random() % pool_users.size();
            const auto user = pool_users[which];
            if (have[which] > 0 && random() % 200 == 0) {
                --have[which];
                allowance.gone(user);
            } else if (allowance.give_up(user)) {
                ASSERT_GE(have[which], 2U);
                --have[which];
            } else if (have[which] < most && allowance.may_connect(user, now)) {
                if (there() < limit) {
                    ++have[which];
                    allowance.made(user, start);
                } else {
                    allowance.refused(user, now);
                }
            }
            ASSERT_EQ(allowance.total(), there());
        }
        for (int step = 0; step < 300; ++step) {
            now += 10ms;
            for (std::size_t which = 0; which < pool_users.size(); ++which) {
                const auto user = pool_users[which];
                if (allowance.give_up(user)) --have[which];
                if (have[which] >= most || !allowance.may_connect(user, now)) continue;
                if (there() >= limit) {
                    allowance.refused(user, now);
                    continue;
                }
                ++have[which];
                allowance.made(user, start);
            }
        }
        EXPECT_GE(*std::min_element(have.begin(), have.end()), 1U) << "limit " << limit;
    }
}

}  // namespace sluice::policy

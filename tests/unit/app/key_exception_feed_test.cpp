#include "app/key_exception_feed.hpp"

#include <gtest/gtest.h>

namespace sluice::app {
namespace {

using namespace std::chrono_literals;

constexpr auto* one = "0123456789abcdef01234567";
constexpr auto* two = "0123456789abcdef01234568";
const std::chrono::sys_seconds epoch{};

class KeyExceptionFeedTest : public ::testing::Test {
protected:
    bool revoked(const char* id) const { return feed_.known().find(id, std::chrono::sys_seconds{1h}).revoked; }
    void poll(std::vector<const char*> ids, bool from_start, bool complete) {
        policy::Poll poll;
        for (const auto* id : ids) poll.keys.push_back({id, epoch, std::nullopt});
        poll.keys_from_start = from_start;
        poll.keys_complete = complete;
        feed_.take(poll);
    }
    bool first_is_over() { return feed_.wait_for_first(Deadline::after(Clock::now(), 0s)); }

    KeyExceptionFeed feed_;
};

}  // namespace

TEST_F(KeyExceptionFeedTest, TheFirstReadingIsOverWhenItIsComplete) {
    EXPECT_FALSE(first_is_over());
    poll({one}, true, false);
    EXPECT_FALSE(first_is_over());
    EXPECT_TRUE(revoked(one));
    poll({two}, false, true);
    EXPECT_TRUE(first_is_over());
    EXPECT_TRUE(revoked(one) && revoked(two));
}

TEST_F(KeyExceptionFeedTest, NobodyWaitsForAPrimaryThatIsAway) {
    feed_.first_over();
    EXPECT_TRUE(first_is_over());
}

TEST_F(KeyExceptionFeedTest, WhatAReadingFromTheStartNoLongerNamesHoldsUntilItIsComplete) {
    poll({one, two}, true, true);
    poll({two}, true, false);
    EXPECT_TRUE(revoked(one)) << "it may stand on a page that is yet to come";
    poll({}, false, true);
    EXPECT_FALSE(revoked(one));
    EXPECT_TRUE(revoked(two));
}

}  // namespace sluice::app

#include "app/announcements.hpp"

#include <gtest/gtest.h>

namespace sluice::app {

using Kind = policy::Invalidation::Kind;

TEST(Announcement, OfAPurgeIsReadAsItWasWritten) {
    for (const auto kind : {Kind::tag, Kind::glob, Kind::all}) {
        for (const auto* name : {"city:1", "/v1/cities?*", "", "with spaces  and  more", "ä\n"}) {
            for (const std::uint64_t xid : {std::uint64_t{0}, std::uint64_t{7}, std::uint64_t{1} << 63}) {
                const policy::Invalidation purge{0, xid, kind, name, true};
                const auto read = parse_announcement(purge_announcement(purge, 42));
                ASSERT_TRUE(read) << name;
                EXPECT_FALSE(read->poll);
                EXPECT_EQ(read->invalidation, purge) << name;
                EXPECT_EQ(read->history, 42u);
            }
        }
    }
}

TEST(Announcement, OfAnythingElse) {
    EXPECT_TRUE(parse_announcement("poll")->poll);
    EXPECT_EQ(parse_announcement("tag city:1 x")->invalidation, (policy::Invalidation{0, 0, Kind::tag, "city:1 x"}));
    EXPECT_EQ(parse_announcement("glob *")->invalidation, (policy::Invalidation{0, 0, Kind::glob, "*"}));
    // What another version may say is no reason to forget or to believe anything.
    for (const auto* message :
         {"", "poll ", "polls", "tag", "all x", "news of something", "purge", "purge ", "purge some 1 2 x"}) {
        EXPECT_FALSE(parse_announcement(message)) << message;
    }
    EXPECT_EQ(parse_announcement("purge tag x y city:1")->invalidation,
              (policy::Invalidation{0, 0, Kind::tag, "city:1", true}))
        << "without numbers it is a purge whose transaction is not known";
}

}  // namespace sluice::app

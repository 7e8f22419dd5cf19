#include "redis/key_space.hpp"

#include "redis/rate_limiter.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace sluice::redis {
namespace {

using namespace std::chrono_literals;

const TimePoint start{};

std::string stem_of(const std::string& prefix, const std::string& database) {
    KeySpace keys{prefix};
    keys.withhold();
    keys.belong_to(database, start);
    return *keys.stem();
}

TEST(KeySpace, ANameHoldsPrefixAndDatabase) {
    EXPECT_EQ(stem_of("", ""), "sluice:");
    EXPECT_EQ(stem_of("blue", ""), "sluice:blue/:");
    EXPECT_EQ(stem_of("", "7391.16384"), "sluice:/7391.16384:");
    EXPECT_EQ(stem_of("blue", "7391.16384"), "sluice:blue/7391.16384:");
}

TEST(KeySpace, NoTwoDeploymentsHaveNamesThatBeginAlike) {
    const std::vector<std::string> parts{"", "c", "7391.16384", "7391.1638", "blue", "instances", "log"};
    std::set<std::string> stems;
    for (const auto& prefix : parts) {
        for (const auto& database : parts) stems.insert(stem_of(prefix, database));
    }
    ASSERT_EQ(stems.size(), parts.size() * parts.size());
    for (const auto& one : stems) {
        for (const auto& other : stems) {
            // `sluice:` itself goes on with a kind, which has no `/` before its first `:`.
            if (one != other && one != "sluice:") EXPECT_FALSE(other.starts_with(one)) << one << ' ' << other;
        }
    }
}

TEST(KeySpace, IsKnownAtOnceWithoutADatabaseAndElseOnceItIsTold) {
    KeySpace keys{"blue"};
    EXPECT_EQ(*keys.stem(), "sluice:blue/:");
    EXPECT_EQ(*keys.stem_for_copies(start), "sluice:blue/:");
    keys.withhold();
    EXPECT_EQ(keys.stem(), nullptr);
    EXPECT_EQ(keys.stem_for_copies(start), nullptr);
    EXPECT_TRUE(keys.belong_to("a", start + 5s));
    EXPECT_FALSE(keys.belong_to("a", start + 5s)) << "nothing has changed";
    EXPECT_EQ(*keys.stem(), "sluice:blue/a:");
    EXPECT_EQ(keys.stem_for_copies(start), keys.stem()) << "it took no other one's place";
    EXPECT_EQ(keys.common(), "sluice:blue/:");
}

TEST(KeySpace, CopiesHaveNoNamesWhileLoadsOfTheLastDatabaseMayBeUnderWay) {
    KeySpace keys{""};
    keys.withhold();
    keys.belong_to("a", start);
    EXPECT_TRUE(keys.belong_to("b", start + 5s));
    EXPECT_EQ(*keys.stem(), "sluice:/b:") << "limits follow at once";
    EXPECT_EQ(keys.stem_for_copies(start + 4s), nullptr);
    EXPECT_EQ(keys.stem_for_copies(start + 5s), keys.stem());

    keys.withhold();
    EXPECT_TRUE(keys.belong_to("b", start + 60s));
    EXPECT_EQ(keys.stem_for_copies(start + 6s), keys.stem()) << "the same one as before it was unknown";
    keys.withhold();
    EXPECT_TRUE(keys.belong_to("c", start + 60s));
    EXPECT_EQ(keys.stem_for_copies(start + 59s), nullptr) << "another one than before it was unknown";
}

/// What a cluster hashes: between the first `{` and the next `}`.
std::string hash_tag(const std::string& name) {
    const auto open = name.find('{');
    return name.substr(open + 1, name.find('}', open) - open - 1);
}

TEST(KeySpace, ALimitsHashTagIsItsKeyWhateverTheNamespace) {
    const auto stem = stem_of("blue", "7391.16384");
    const auto minute = limit_key(stem, "log", "key:acme", RateLimit{10, 60'000ms, {}});
    const auto hour = limit_key(stem, "log", "key:acme", RateLimit{10, 3'600'000ms, "GET /x"});
    EXPECT_EQ(minute, "sluice:blue/7391.16384:log:{key:acme}:60000");
    EXPECT_EQ(hour, "sluice:blue/7391.16384:log:{key:acme}:3600000:GET /x");
    EXPECT_EQ(hash_tag(minute), hash_tag(hour));
}

}  // namespace
}  // namespace sluice::redis

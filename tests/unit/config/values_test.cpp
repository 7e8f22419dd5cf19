// The small pure pieces.
#include "config/address.hpp"
#include "config/suggestion.hpp"

#include <gmock/gmock.h>

namespace sluice::config {

using namespace std::chrono_literals;

TEST(Address, KnowsHostAndPort) {
    for (const auto* good : {"127.0.0.1:8080", "localhost:0", "[::1]:443", "db-1.internal:65535"})
        EXPECT_TRUE(is_host_port(good));
    for (const auto* bad : {"", "8080", ":8080", "localhost", "localhost:", "localhost:65536", "localhost:-1", "::1:80",
                            "[::1]", "[1.2.3.4]:80", "a b:80", "http://x:80"}) {
        EXPECT_FALSE(is_host_port(bad)) << bad;
    }
}

TEST(Address, GivesEveryBlockAPrefixLength) {
    EXPECT_EQ(parse_cidr("10.0.0.0/8"), "10.0.0.0/8");
    EXPECT_EQ(parse_cidr("fd00::/8"), "fd00::/8");
    EXPECT_EQ(parse_cidr("127.0.0.1"), "127.0.0.1/32");
    EXPECT_EQ(parse_cidr("::1"), "::1/128");
    for (const auto* bad : {"", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "10.0.0.0/a", "localhost/8"}) {
        EXPECT_EQ(parse_cidr(bad), std::nullopt) << bad;
    }
}

TEST(Suggestion, NamesTheNearestSlipOfThePen) {
    EXPECT_EQ(edit_distance("tll", "ttl"), 1u);
    EXPECT_EQ(edit_distance("ab", "ba"), 1u);
    EXPECT_EQ(edit_distance("", "abc"), 3u);
    const std::vector<std::string> keys{"ttl", "stale", "max_age"};
    EXPECT_EQ(suggestion("tll", keys), ", did you mean 'ttl'?");
    EXPECT_EQ(suggestion("maxage", keys), ", did you mean 'max_age'?");
    EXPECT_EQ(suggestion("ttll", keys, ":"), ", did you mean ':ttl'?");
    EXPECT_EQ(suggestion("colour", keys), "");
    EXPECT_EQ(suggestion("x", keys), "");
}

}  // namespace sluice::config

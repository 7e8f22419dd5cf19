#include "auth/client_address.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <stdexcept>
#include <string>

namespace sluice::auth {

TEST(ClientAddress, IsTheRightMostHopThatIsNotTrusted) {
    const TrustedProxies proxies{{"127.0.0.1/32", "10.0.0.0/8", "2001:db8:f::/48", "192.0.2.7"}};
    struct Case {
        std::string peer;
        std::string forwarded_for;
        std::string expected;
    };
    const Case cases[] = {
        // No proxy in between.
        {"203.0.113.5", "", "203.0.113.5"},
        {"203.0.113.5", "198.51.100.1", "203.0.113.5"},
        {"2001:db8::1", "198.51.100.1", "2001:db8::1"},
        {"192.0.2.8", "198.51.100.1", "192.0.2.8"},
        // One proxy.
        {"127.0.0.1", "", "127.0.0.1"},
        {"127.0.0.1", "198.51.100.1", "198.51.100.1"},
        {"192.0.2.7", "198.51.100.1", "198.51.100.1"},
        {"127.0.0.1", "  198.51.100.1\t", "198.51.100.1"},
        {"127.0.0.1", "2001:db8::1", "2001:db8::1"},
        {"2001:db8:f::9", "198.51.100.1", "198.51.100.1"},
        {"127.0.0.2", "198.51.100.1", "127.0.0.2"},
        // What a client claims stands further left.
        {"127.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"},
        {"127.0.0.1", "junk, 198.51.100.1", "198.51.100.1"},
        {"127.0.0.1", "10.0.0.1,198.51.100.1", "198.51.100.1"},
        // Several proxies.
        {"127.0.0.1", "1.1.1.1, 198.51.100.1, 10.1.2.3", "198.51.100.1"},
        {"127.0.0.1", "198.51.100.1,2001:db8:f::1,10.1.2.3", "198.51.100.1"},
        {"127.0.0.1", "10.0.0.2, 10.0.0.1", "10.0.0.2"},
        // Ports and brackets.
        {"127.0.0.1", "198.51.100.1:4711", "198.51.100.1"},
        {"127.0.0.1", "198.51.100.1, 10.0.0.1:80", "198.51.100.1"},
        {"127.0.0.1", "[2001:db8::1]", "2001:db8::1"},
        {"127.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"},
        // Spellings of one address.
        {"127.0.0.1", "2001:0DB8:0000::0001", "2001:db8::1"},
        {"127.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"},
        {"::ffff:127.0.0.1", "198.51.100.1", "198.51.100.1"},
        {"::ffff:203.0.113.5", "", "203.0.113.5"},
        {"fe80::1%eth0", "198.51.100.1", "fe80::1"},
        // Junk ends the walk at the last good address.
        {"127.0.0.1", "junk", "127.0.0.1"},
        {"127.0.0.1", ",", "127.0.0.1"},
        {"127.0.0.1", "198.51.100.1, unknown,", "127.0.0.1"},
        // Empty elements of a list mean nothing: RFC 9110 section 5.6.1.2.
        {"127.0.0.1", "198.51.100.1,", "198.51.100.1"},
        {"127.0.0.1", "198.51.100.1, , 10.0.0.1", "198.51.100.1"},
        {"127.0.0.1", ",198.51.100.1,\t,,", "198.51.100.1"},
        {"127.0.0.1", ", ,", "127.0.0.1"},
        {"127.0.0.1", "198.51.100.1, unknown, 10.0.0.1", "10.0.0.1"},
        {"127.0.0.1", "198.51.100.1, 10.0.0.1:port", "127.0.0.1"},
        {"127.0.0.1", "198.51.100.1:65536", "127.0.0.1"},
        {"127.0.0.1", "198.51.100.1:", "127.0.0.1"},
        {"127.0.0.1", "198.51.100.1:-1", "127.0.0.1"},
        {"127.0.0.1", "[2001:db8::1", "127.0.0.1"},
        {"127.0.0.1", "[2001:db8::1]4711", "127.0.0.1"},
        {"127.0.0.1", "[198.51.100.1]", "127.0.0.1"},
        {"127.0.0.1", "[]", "127.0.0.1"},
        {"127.0.0.1", "[", "127.0.0.1"},
        {"127.0.0.1", "198.51.100", "127.0.0.1"},
        {"127.0.0.1", "198.51.100.256", "127.0.0.1"},
        {"127.0.0.1", "198.51.100.01", "127.0.0.1"},
        {"127.0.0.1", "\"198.51.100.1\"", "127.0.0.1"},
        {"127.0.0.1", "fe80::1%eth0", "127.0.0.1"},
        {"127.0.0.1", std::string("198.51.100.1\0", 13), "127.0.0.1"},
        {"127.0.0.1", std::string(5000, '1'), "127.0.0.1"},
        // A peer that is no IP address.
        {"", "198.51.100.1", ""},
        {"unix:", "198.51.100.1", "unix:"},
    };
    for (const auto& c : cases) {
        EXPECT_EQ(proxies.client_address(c.peer, c.forwarded_for), c.expected) << c.peer << " | " << c.forwarded_for;
    }
}

TEST(ClientAddress, NobodyIsTrustedByDefault) {
    EXPECT_EQ(TrustedProxies{}.client_address("127.0.0.1", "198.51.100.1"), "127.0.0.1");
}

TEST(ClientAddress, BlocksEndWhereTheirPrefixSays) {
    struct Case {
        std::string block;
        std::string address;
        bool inside;
    };
    const Case cases[] = {
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "9.255.255.255", false},
        {"10.1.2.3/8", "10.200.0.1", true},
        {"172.16.0.0/12", "172.31.255.255", true},
        {"172.16.0.0/12", "172.32.0.0", false},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.7/32", "192.0.2.7", true},
        {"192.0.2.7/32", "192.0.2.6", false},
        {"192.0.2.7/31", "192.0.2.6", true},
        {"0.0.0.0/0", "203.0.113.5", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "203.0.113.5", false},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"2001:db8::1", "2001:db8::1", true},
        {"2001:db8::1", "2001:db8::2", false},
        {"::ffff:10.0.0.0/104", "10.9.9.9", true},
        {"::ffff:10.0.0.0/104", "11.9.9.9", false},
    };
    for (const auto& c : cases) {
        const auto seen = TrustedProxies{{c.block}}.client_address(c.address, "198.51.100.1");
        EXPECT_EQ(seen == "198.51.100.1", c.inside) << c.block << ' ' << c.address;
    }
}

TEST(ClientAddress, RefusesBlocksThatAreNone) {
    for (const std::string block :
         {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.0/ 8", "10.0.0/8",
          "proxy.internal", "2001:db8::/129", "2001:db8::/x", "[2001:db8::]/32", "10.0.0.0/8/8", "10.0.0.0/99999999999"}) {
        try {
            TrustedProxies{{"127.0.0.1", block}};
            ADD_FAILURE() << block;
        } catch (const std::invalid_argument& error) {
            EXPECT_THAT(error.what(), testing::HasSubstr("'" + block + "'"));
        }
    }
}

TEST(ClientAddress, NoHeaderMakesItThrowOrInventAnAddress) {
    const TrustedProxies proxies{{"0.0.0.0/0", "::/0"}};  // walks on as far as there are good hops
    std::mt19937 random{17};
    const std::string alphabet = "0123456789abcdf.:,[]% \t\"";
    for (int i = 0; i < 20'000; ++i) {
        std::string header(random() % 40, ' ');
        for (auto& c : header) c = alphabet[random() % alphabet.size()];
        const auto address = proxies.client_address("127.0.0.1", header);
        ASSERT_EQ(proxies.client_address(address, ""), address) << header;
        ASSERT_EQ(address.find_first_not_of("0123456789abcdef.:"), address.npos) << header;
    }
}

TEST(RateLimitKey, CountsIPv6ByNetwork) {
    const std::pair<std::string, std::string> cases[] = {
        {"203.0.113.5", "203.0.113.5"},
        {"::ffff:203.0.113.5", "203.0.113.5"},
        {"2001:db8:0:1::5", "2001:db8:0:1::/64"},
        {"2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1::/64"},
        {"2001:db8:0:2::5", "2001:db8:0:2::/64"},
        {"2001:0DB8::5", "2001:db8::/64"},
        {"::1", "::/64"},
        {"fe80::1%eth0", "fe80::/64"},
        {"", ""},
        {"unix:", "unix:"},
    };
    for (const auto& [address, key] : cases) EXPECT_EQ(rate_limit_key(address), key) << address;
}

}  // namespace sluice::auth

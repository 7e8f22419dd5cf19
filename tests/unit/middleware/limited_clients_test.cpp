#include "middleware/limited_clients.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace sluice::middleware {

TEST(LimitedClients, TheNarrowestBlockOfAnAddressCounts) {
    const LimitedClients clients{{.addresses = {{"10.0.0.0/8", std::nullopt},
                                                {"10.1.0.0/16", "partner"},
                                                {"10.1.2.3", std::nullopt},
                                                {"2001:db8::/32", "partner"},
                                                {"2001:db8:1::/48", std::nullopt},
                                                {"::ffff:192.0.2.0/120", "lab"}},
                                  .exempt_keys = {}}};
    struct Case {
        std::string address;
        bool exempt;
        std::string tier;
    };
    for (const auto& c : std::vector<Case>{{"10.200.0.1", true, ""},
                                           {"10.1.0.1", false, "partner"},
                                           {"10.1.2.3", true, ""},
                                           {"10.1.2.4", false, "partner"},
                                           {"11.0.0.1", false, ""},
                                           {"2001:db8::1", false, "partner"},
                                           {"2001:db8:1::1", true, ""},
                                           {"2001:db9::1", false, ""},
                                           {"192.0.2.9", false, "lab"},
                                           {"::10.1.2.3", false, ""},
                                           {"unix", false, ""},
                                           {"", false, ""}}) {
        EXPECT_EQ(clients.exempt_address(c.address), c.exempt) << c.address;
        const auto* tier = clients.tier_at(c.address);
        EXPECT_EQ(tier != nullptr ? *tier : "", c.tier) << c.address;
    }
}

TEST(LimitedClients, KeysAreExemptByTheirIdAndNobodyElseIs) {
    const LimitedClients clients{{.addresses = {}, .exempt_keys = {"0123456789abcdef01234567"}}};
    Identity identity{Identity::Kind::api_key, "0123456789abcdef01234567", "free", {}, "", ""};
    EXPECT_TRUE(clients.exempt(identity, "192.0.2.1"));
    identity.kind = Identity::Kind::token;  // whose subject is the issuer's to choose
    EXPECT_FALSE(clients.exempt(identity, "192.0.2.1"));
    identity = {Identity::Kind::api_key, "0123456789abcdef01234568", "free", {}, "", ""};
    EXPECT_FALSE(clients.exempt(identity, "192.0.2.1"));
    EXPECT_FALSE(clients.exempt({}, "192.0.2.1"));
    RateLimitSettings wrong;
    wrong.addresses = {{"10.0.0.0/33", "free"}};
    EXPECT_THROW(LimitedClients{wrong}, std::invalid_argument);
}

}  // namespace sluice::middleware

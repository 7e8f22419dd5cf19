// Whose limit an address uses up.
#include "middleware/counted_address.hpp"

#include <gtest/gtest.h>

namespace sluice::middleware {

TEST(CountedAddress, TranslatedAndTunnelledAddressesAreTheInnerOne) {
    const std::pair<const char*, const char*> cases[]{
        {"192.0.2.33", "192.0.2.33"},
        {"::ffff:192.0.2.33", "192.0.2.33"},
        {"::ffff:c000:221", "192.0.2.33"},
        {"64:ff9b::192.0.2.33", "192.0.2.33"},
        {"64:ff9b::c000:221", "192.0.2.33"},
        {"64:FF9B:0:0:0:0:C000:221", "192.0.2.33"},
        {"64:ff9b::c000:221%eth0", "192.0.2.33"},
        {"64:ff9b::c000:222", "192.0.2.34"},
        {"2002:c000:221::1", "192.0.2.33"},
        {"2002:c000:221:ffff:1:2:3:4", "192.0.2.33"},
        {"2001::53aa:64c:0:ffff:3fff:fdde", "192.0.2.33"},  // Teredo: inverted
    };
    for (const auto& [address, counted] : cases) EXPECT_EQ(counted_address(address), counted) << address;
}

TEST(CountedAddress, OthersAreCountedByTheirNetwork) {
    const std::pair<const char*, const char*> cases[]{
        {"2001:db8:0:1::5", "2001:db8:0:1::/64"},
        {"64:ff9b:1::c000:221", "64:ff9b:1::/64"},    // a translator's local prefix says not where the address is
        {"64:ff9b:0:0:1::c000:221", "64:ff9b::/64"},  // not of the /96
        {"2003:c000:221::1", "2003:c000:221::/64"},
        {"2001:1::1", "2001:1::/64"},
        {"::1", "::/64"},
        {"no address", "no address"},
        {"a:b", "a:b"},
        {"", ""},
    };
    for (const auto& [address, counted] : cases) EXPECT_EQ(counted_address(address), counted) << address;
}

}  // namespace sluice::middleware

// `rate_limit`, `tiers` and a route's `limit`, as far as they say who is not limited, or otherwise.
#include "config_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::config {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(LimitExemptions, AreRead) {
    const auto settings = load_text(R"(
postgres: { primary: "postgresql://localhost/x" }
rate_limit:
  addresses: { 10.0.0.0/8: off, "2001:db8::/32": partner, 192.0.2.1: free }
  exempt_keys: [ 0123456789abcdef01234567 ]
tiers: { partner: { requests: 5 }, internal: off, pro: off }
routes:
  GET /a: { sql: select 1 as one, limit: off }
  GET /b: { sql: select 1 as one, body_limit: 2KiB }
)");
    const auto& rules = settings.rate_limit.addresses;
    ASSERT_EQ(rules.size(), 3u);
    EXPECT_EQ(rules[0].block, "10.0.0.0/8");
    EXPECT_FALSE(rules[0].tier);
    EXPECT_EQ(rules[1].tier, "partner");
    EXPECT_EQ(rules[2].block, "192.0.2.1/32");
    EXPECT_THAT(settings.rate_limit.exempt_keys, ElementsAre("0123456789abcdef01234567"));
    EXPECT_THAT(settings.tiers.at("internal").limits, IsEmpty());
    EXPECT_THAT(settings.tiers.at("pro").limits, IsEmpty());
    EXPECT_FALSE(settings.routes[0].options.rate_limited);
    EXPECT_TRUE(settings.routes[1].options.rate_limited);
    EXPECT_EQ(settings.routes[1].options.body_limit, 2048u);
}

TEST(LimitExemptions, MistakesAreNamedWhereTheyStand) {
    expect_mistakes({
        {"rate_limit: { addresses: { 10.0.0.0/33: off } }",
         {"c.yaml:1:28: 'addresses' names address blocks such as 10.0.0.0/8 or fd00::/8, not '10.0.0.0/33'"}},
        {"rate_limit: { addresses: { 10.0.0.0/8: por } }", {"c.yaml:1:40: there is no tier 'por', did you mean 'pro'?"}},
        {"rate_limit: { addresses: { 10.0.0.0/8: free, 10.1.0.0/8: pro } }",
         {"c.yaml:1:46: the address block '10.1.0.0/8' is listed twice"}},
        {"rate_limit: { addresses: { 10.0.0.0/8: [free] } }",
         {"c.yaml:1:40: an address block has the name of a tier, or 'off', not a list"}},
        {"rate_limit: { addresses: [10.0.0.0/8] }", {"c.yaml:1:26: 'addresses' must be a mapping, not a list"}},
        {"rate_limit: { exempt_keys: [acme] }",
         {"c.yaml:1:29: a key's id is 24 lower-case hex digits, as 'sluice keys list' shows it, not 'acme'"}},
        {"tiers: { off: { requests: 5 } }", {"c.yaml:1:10: no tier can be called 'off', which stands for no limit"}},
        {"tiers: { partner: on }", {"c.yaml:1:19: tier 'partner' must be a mapping, a list of limits, or 'off', not 'on'"}},
    });
}

}  // namespace sluice::config

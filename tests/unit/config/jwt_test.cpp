#include "config_files.hpp"

#include <gmock/gmock.h>

namespace sluice::config {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

const std::string start = "auth: { jwt: { issuer: i, audience: a, ";
const std::string secret = "hs256_secret: 0123456789abcdef0123456789abcdef";

}  // namespace

TEST(JwtSection, EverythingIsRead) {
    ConfigFiles files;
    files.set("SECRET", "0123456789abcdef0123456789abcdef");
    files.write("c.yaml", R"(
auth:
  jwt:
    issuer: https://issuer.example
    audience: [one, two]
    hs256_secret: ${SECRET}
    jwks_url: ${JWKS_URL:-}
    tier_claim: plan
    scope_claim: scp
    default_tier: gold
    leeway: 5s
    refresh: 1m
tiers: { gold: { requests: 5 } }
)");
    EXPECT_THAT(files.mistakes(), ElementsAre());
    const auto jwt = files.load().auth.jwt.at(0);
    EXPECT_EQ(jwt.issuer, "https://issuer.example");
    EXPECT_THAT(jwt.audiences, ElementsAre("one", "two"));
    EXPECT_EQ(jwt.hs256_secret, "0123456789abcdef0123456789abcdef");
    EXPECT_EQ(jwt.jwks_url, "");
    EXPECT_EQ(jwt.tier_claim, "plan");
    EXPECT_EQ(jwt.scope_claim, "scp");
    EXPECT_EQ(jwt.default_tier, "gold");
    EXPECT_EQ(jwt.leeway, 5s);
    EXPECT_EQ(jwt.refresh, 1min);
    EXPECT_EQ(jwt.keys_location.line, 6);
}

TEST(JwtSection, DefaultsAreAsDocumented) {
    ConfigFiles files;
    files.write("c.yaml", "auth: { jwt: { issuer: i, audience: a, jwks_file: keys/set.json } }");
    const auto jwt = files.load().auth.jwt.at(0);
    EXPECT_EQ(jwt.jwks_file, files.folder() / "keys/set.json");
    EXPECT_THAT(jwt.audiences, ElementsAre("a"));
    EXPECT_EQ(jwt.tier_claim, "tier");
    EXPECT_EQ(jwt.scope_claim, "scope");
    EXPECT_EQ(jwt.default_tier, "free");
    EXPECT_EQ(jwt.leeway, 30s);
    EXPECT_EQ(jwt.refresh, 5min);
    EXPECT_THAT(load_text("auth: { key_secrets: [] }").auth.jwt, ElementsAre());
}

TEST(JwtSection, MayBeAListOfIssuers) {
    ConfigFiles files;
    files.write("c.yaml", R"(
auth:
  jwt:
    - { issuer: i, audience: a, jwks_url: "https://i/keys" }
    - { issuer: j, audience: [a, b], hs256_secret: 0123456789abcdef0123456789abcdef, default_tier: pro }
)");
    EXPECT_THAT(files.mistakes(), ElementsAre());
    const auto all = files.load().auth.jwt;
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].jwks_url, "https://i/keys");
    EXPECT_EQ(all[1].default_tier, "pro");
    const auto one = "{ issuer: i, audience: a, " + secret + " }";
    expect_mistakes({
        {"auth: { jwt: [] }", {"c.yaml:1:14: 'jwt' is an empty list"}},
        {"auth: { jwt: [" + one + ", " + one + "] }", {"c.yaml:1:101: the issuer 'i' is listed twice"}},
        {"auth: { jwt: [" + one + ", { issuer: j, audience: a, default_tier: por, " + secret + " }] }",
         {"c.yaml:1:131: there is no tier 'por', did you mean 'pro'?"}},
        {"auth: { jwt: [ i ] }", {"c.yaml:1:16: 'jwt' must be a mapping, not a text"}},
    });
}

TEST(JwtSection, MistakesAreNamedWhereTheyStand) {
    const std::string one = "exactly one of 'jwks_file', 'jwks_url' and 'hs256_secret'";
    expect_mistakes({
        {"auth: { jwt: { " + secret + " } }",
         {"c.yaml:1:9: 'jwt' needs 'issuer': tokens of anyone else are refused",
          "c.yaml:1:9: 'jwt' needs 'audience': tokens made for other services are refused"}},
        {"auth: { jwt: { issuer: i, audience: a } }", {"c.yaml:1:9: 'jwt' needs " + one}},
        {start + "jwks_ulr: 'https://x/' } }", {"c.yaml:1:40: unknown key 'jwks_ulr', did you mean 'jwks_url'?"}},
        {start + "jwks_url: '' } }", {"c.yaml:1:14: 'jwt' needs " + one + ": what it names is empty"}},
        {start + "jwks_url: 'https://x/', " + secret + " } }",
         {"c.yaml:1:78: 'hs256_secret' is one too many: 'jwt' needs " + one}},
        {start + "hs256_secret: short } }", {"c.yaml:1:54: 'hs256_secret': a secret for HS256 has at least 32 bytes"}},
        {start + "hs256_secret: '-----BEGIN PUBLIC KEY----- of somebody' } }",
         {"c.yaml:1:54: 'hs256_secret': the secret is PEM text: a key pair's, not a secret"}},
        {start + "jwks_url: 'ftp://x/' } }", {"c.yaml:1:50: 'jwks_url' must begin with https:// or http://"}},
        {start + secret + ", leeway: 1h } }", {"c.yaml:1:96: 'leeway' must be at most 10m"}},
        {start + secret + ", refresh: 10ms } }", {"c.yaml:1:97: 'refresh' must be at least 1s"}},
        {start + secret + ", tier_claim: '' } }", {"c.yaml:1:100: 'tier_claim' is empty"}},
        {start + secret + ", default_tier: por } }", {"c.yaml:1:102: there is no tier 'por', did you mean 'pro'?"}},
        {"auth: { jwt: { issuer: '', audience: [], " + secret + " } }",
         {"c.yaml:1:24: 'issuer' is empty", "c.yaml:1:38: 'audience' is empty"}},
        {"auth: { jwt: { issuer: i, audience: {}, " + secret + " } }",
         {"c.yaml:1:37: 'audience' must be a text or a list of texts, not a mapping"}},
    });
}

}  // namespace sluice::config

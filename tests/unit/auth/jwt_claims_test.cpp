#include "auth/jwt_claims.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sluice::auth {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

TokenClaims claims_of(const std::string& path, json more) {
    JwtRules rules;
    rules.tier_claim = rules.scope_claim = path;
    more["sub"] = "alice";
    more["exp"] = 1;
    auto claims = parse_claims(more.dump(), rules);
    EXPECT_TRUE(claims) << more.dump();
    return *claims;
}

}  // namespace

TEST(JwtClaims, AClaimIsNamedWholeOrByAPath) {
    struct Case {
        std::string path;
        json claims;
        Words scopes;
    };
    const json roles = json::array({"reader", "writer"});
    const Words both{"reader", "writer"};
    const std::vector<Case> cases{
        {"realm_access.roles", {{"realm_access", {{"roles", roles}}}}, both},
        {"realm_access.roles", {{"realm_access", {{"roles", "reader writer"}}}}, both},
        {"https://example.org/roles", {{"https://example.org/roles", roles}}, both},
        {"https://example.org/access.roles", {{"https://example.org/access", {{"roles", roles}}}}, both},
        {"a.b", {{"a.b", roles}, {"a", {{"b", "other"}}}}, both},  // the whole name first
        {"a.b.c", {{"a.b", {{"c", roles}}}, {"a", {{"b", {{"c", "other"}}}}}}, both},
        {"a.b.c", {{"a", {{"b.c", roles}}}}, both},
        {"a.b.c", {{"a.b", {{"d", "other"}}}, {"a", {{"b", {{"c", roles}}}}}}, both},
        {"resource_access.my.client.roles", {{"resource_access", {{"my.client", {{"roles", roles}}}}}}, both},
        {"a.b", {{"a", "text"}}, {}},
        {"a.b", {{"a", json::array({{{"b", roles}}})}}, {}},
        {"a.b", {{"a", {{"b", {{"c", roles}}}}}}, {}},
        {"a.b", json::object(), {}},
        {".a", {{"a", roles}}, {}},
        {"a.", {{"a", roles}}, {}},
        {"a..b", {{"a", {{"b", roles}}}}, {}},
        {"...", {{"a", roles}}, {}},
    };
    for (const auto& one : cases) EXPECT_EQ(claims_of(one.path, one.claims).scopes, one.scopes) << one.path << one.claims;
    EXPECT_EQ(claims_of("app.plan", {{"app", {{"plan", "pro"}}}}).tier, "pro");
    EXPECT_EQ(claims_of("app.plan", {{"app", {{"plan", 7}}}}).tier, std::nullopt);
    EXPECT_EQ(claims_of("app.plan", {{"app.plan", "pro"}, {"app", {{"plan", "free"}}}}).tier, "pro");
}

}  // namespace sluice::auth

// Services in a whole server: what its admin listener says of them.
#include "support/http_client.hpp"
#include "support/origin.hpp"
#include "support/process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

}  // namespace

TEST(UpstreamsOfAServer, AServiceThatIsAwayMakesItDegradedAndNotUnready) {
    Origin well;
    Origin ill{[](const OriginRequest&) { return OriginAnswer::status(503); }};
    TemporaryDirectory directory;
    const auto file =
        directory.write("c.yaml", "server: { listen: '127.0.0.1:0', admin: '127.0.0.1:0' }\nupstreams:\n  quotes: { url: '" +
                                      well.url() + "', health: { path: /up, interval: 100ms } }\n  search: { url: '" +
                                      ill.url() + "', health: { path: /up, interval: 100ms } }\n");
    Instance instance{file, {}};
    const auto admin = [&](const char* path) { return http_get(instance.admin_port(), path); };
    const auto ready = [&] { return nlohmann::json::parse(admin("/health/ready").body); };
    EXPECT_TRUE(eventually([&] { return ready()["dependencies"].value("upstream:search", "") == "1 of 1 endpoints out"; }));
    EXPECT_EQ(admin("/health/ready").status, 200u);
    EXPECT_EQ(ready()["dependencies"]["upstream:quotes"], "ok");
    EXPECT_EQ(ready()["degraded"], nlohmann::json::array({"upstream:search"}));
    const auto metrics = admin("/metrics").body;
    EXPECT_THAT(metrics, HasSubstr("sluice_upstream_endpoints{state=\"ill\",upstream=\"search\"} 1\n"));
    EXPECT_THAT(metrics, HasSubstr("sluice_upstream_endpoints{state=\"usable\",upstream=\"quotes\"} 1\n"));
    EXPECT_THAT(metrics, HasSubstr("sluice_breaker_state{dependency=\"upstream:quotes\"} 0\n"));
    EXPECT_EQ(well.requests().at(0).target, "/up");
}

}  // namespace sluice::test

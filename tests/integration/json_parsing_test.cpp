// nst/JSONTestSuite `test_parsing` against a live server: y_ is accepted, n_ is 400, i_ either; never a 5xx, never a dropped
// connection.
#include "support/http_client.hpp"
#include "support/world.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

namespace sluice::test {

TEST(JsonParsing, TheSuitesBodiesAreAcceptedOrRefusedAsTheyShould) {
    const auto folder = std::filesystem::path{SLUICE_SOURCE_DIR} / "../shared/data/json-parsing";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << "the suite is not beside this source tree";
    const TemporaryDirectory directory;
    const auto config = directory.write("api.yaml", R"(server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0" }
log: { access: off }
tiers: { anonymous: { requests: 100000, window: 60s } }
postgres: { primary: "${SLUICE_PG_PRIMARY}" }
routes:
  POST /json:
    body: {}
    result: one
    sql: select length(:body::json::text) as length
)");
    Instance instance{config, world_environment()};
    std::map<std::string, int> counts;
    for (const auto& entry : std::filesystem::directory_iterator{folder}) {
        std::ifstream in{entry.path(), std::ios::binary};
        std::ostringstream bytes;
        bytes << in.rdbuf();
        const auto name = entry.path().filename().string();
        const auto answer = http_post(instance.port(), "/json", bytes.str(), "Content-Type: application/json\r\n");
        ++counts[name.substr(0, 2) + std::to_string(answer.status)];
        if (name.starts_with("y_")) EXPECT_EQ(answer.status, 200u) << name << ": " << answer.body;
        if (name.starts_with("n_")) EXPECT_EQ(answer.status, 400u) << name << ": " << answer.body;
        EXPECT_LT(answer.status, 500u) << name << ": " << answer.body;
    }
    for (const auto& [what, count] : counts) std::cout << what << ": " << count << '\n';
    EXPECT_GT(counts["y_200"], 90);
    EXPECT_GT(counts["n_400"], 180);
}

}  // namespace sluice::test

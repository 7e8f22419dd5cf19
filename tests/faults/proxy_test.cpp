// The shipped deploy/haproxy.cfg in front of two instances, one of which dies under load.
#include "support/http_client.hpp"
#include "support/private_stack.hpp"
#include "support/proxies.hpp"
#include "support/world.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <iostream>
#include <thread>
#include <vector>

namespace sluice::test {
namespace {

const std::string config = R"(
server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0" }
log: { access: off }
postgres: { primary: "${SLUICE_PG_PRIMARY}" }
tiers: { anonymous: { requests: 100000000, window: 60s } }
routes:
  GET /cached:
    cache: { ttl: 300s }
    sql: select 1 as one
  GET /slow:
    sql: select 1 as one from pg_sleep(0.02)
)";

}  // namespace

TEST(ShippedHaproxy, LosesNoReadWhenAnInstanceIsKilled) {
    PrivateStack::instance().up();
    const TemporaryDirectory directory;
    const auto file = directory.write("api.yaml", config);
    const Instance survivor{file, world_environment()};
    Instance victim{file, world_environment()};
    const auto haproxy = Proxy::haproxy(survivor, victim);
    ASSERT_TRUE(eventually([&] { return http_get(haproxy.port(), "/cached").status == 200; })) << haproxy.log();

    constexpr unsigned after_the_kill = 1000;
    std::atomic<bool> killed{false};
    std::atomic<unsigned> answered{0};
    std::atomic<unsigned> failed{0};
    std::vector<std::thread> clients;
    for (unsigned i = 0; i < 8; ++i) {
        clients.emplace_back([&, i] {
            const std::string path = i % 2 == 0 ? "/cached" : "/slow";
            HttpClient client{haproxy.port()};
            for (unsigned since = 0; since < after_the_kill / 8 * (i % 2 == 0 ? 10 : 1); since += killed) {
                try {
                    if (client.request("GET", path).status != 200) ++failed;
                } catch (const std::runtime_error&) {
                    ++failed;
                    return;
                }
                ++answered;
            }
        });
    }
    EXPECT_TRUE(eventually([&] { return answered > 2000; }));
    victim.signal(SIGKILL);
    killed = true;
    for (auto& client : clients) client.join();
    std::cout << "reads through HAProxy: " << answered << ", failed: " << failed << '\n';
    EXPECT_EQ(failed, 0u) << haproxy.log();
}

TEST(ShippedHaproxy, SendsTheReadsOfAnInstanceThatHangsToAnother) {
    PrivateStack::instance().up();
    const TemporaryDirectory directory;
    const auto file = directory.write("api.yaml", config);
    const Instance survivor{file, world_environment()};
    const Instance victim{file, world_environment()};
    const auto haproxy = Proxy::haproxy(survivor, victim, std::chrono::seconds{3});
    ASSERT_TRUE(eventually([&] { return http_get(haproxy.port(), "/cached").status == 200; })) << haproxy.log();
    victim.signal(SIGSTOP);
    // Half of them are given to the victim before its health check fails; they wait for `timeout server`.
    std::atomic<unsigned> failed{0};
    std::vector<std::thread> clients;
    for (unsigned i = 0; i < 8; ++i) {
        clients.emplace_back([&] {
            try {
                failed += http_get(haproxy.port(), "/cached").status != 200;
            } catch (const std::runtime_error&) {
                ++failed;
            }
        });
    }
    for (auto& client : clients) client.join();
    EXPECT_EQ(failed, 0u) << haproxy.log();
    for (int i = 0; i < 50; ++i) EXPECT_EQ(http_get(haproxy.port(), "/cached").status, 200u) << haproxy.log();
    victim.signal(SIGCONT);
}

}  // namespace sluice::test

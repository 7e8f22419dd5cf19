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

TEST(ShippedHaproxy, LeavesAnInstanceThatHangs) {
    PrivateStack::instance().up();
    const TemporaryDirectory directory;
    const auto file = directory.write("api.yaml", config);
    const Instance survivor{file, world_environment()};
    const Instance victim{file, world_environment()};
    const auto haproxy = Proxy::haproxy(survivor, victim);
    ASSERT_TRUE(eventually([&] { return http_get(haproxy.port(), "/cached").status == 200; })) << haproxy.log();
    victim.signal(SIGSTOP);
    // Long before `timeout server`: whoever waits for the one that hangs is let go when its health check fails.
    const auto answers = [&] {
        try {
            HttpClient client{haproxy.port()};
            for (int i = 0; i < 50; ++i) {
                if (client.request("GET", "/cached").status != 200) return false;
            }
            return true;
        } catch (const std::runtime_error&) {
            return false;
        }
    };
    EXPECT_TRUE(eventually(answers, std::chrono::seconds{12})) << haproxy.log();
    victim.signal(SIGCONT);
}

}  // namespace sluice::test

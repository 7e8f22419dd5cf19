// Who is limited otherwise than by a tier of the file: listed addresses and keys, a route, a tier without limits.
#include "auth/key_codec.hpp"
#include "support/http_client.hpp"
#include "support/process.hpp"
#include "support/world.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::test {
namespace {

const std::string config = R"(
server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0", trusted_proxies: [127.0.0.1/32] }
postgres: { primary: "${SLUICE_PG_PRIMARY}" }
redis: { url: "${SLUICE_REDIS}" }
auth: { key_secrets: [ "${SLUICE_KEY_SECRET}" ] }
tiers:
  anonymous: { requests: 3, window: 60s }
  free: { requests: 3, window: 60s }
  partner: { requests: 5, window: 60s }
  internal: off
rate_limit:
  addresses: { 198.51.100.0/24: off, 203.0.113.0/24: partner }
  exempt_keys: [ 0123456789abcdef01234567 ]
routes:
  GET /one: { sql: select 1 as one }
  GET /free: { sql: select 1 as one, limit: off }
)";

std::string from(const std::string& address) { return "X-Forwarded-For: " + address + "\r\n"; }

std::string with_key(const std::string& id, const std::string& tier) {
    const auth::KeyCodec codec{{world_environment().at("SLUICE_KEY_SECRET")}};
    return "X-API-Key: " + codec.issue({id, tier, 0, {}}) + "\r\n";
}

/// How many of ten are admitted.
int admitted(const Instance& instance, const std::string& path, const std::string& headers) {
    HttpClient client{instance.port()};
    int count = 0;
    for (int i = 0; i < 10; ++i) count += client.request("GET", path, {}, headers).status == 200;
    return count;
}

}  // namespace

TEST(Exemptions, AddressesKeysRoutesAndTiers) {
    const TemporaryDirectory directory;
    const Instance instance{directory.write("api.yaml", config), world_environment()};
    EXPECT_EQ(admitted(instance, "/one", from("192.0.2.31")), 3);
    EXPECT_EQ(admitted(instance, "/one", from("198.51.100.31")), 10);
    EXPECT_EQ(admitted(instance, "/one", from("203.0.113.31")), 5);
    EXPECT_EQ(admitted(instance, "/one", from("192.0.2.32") + with_key("0123456789abcdef01234567", "free")), 10);
    EXPECT_EQ(admitted(instance, "/one", from("203.0.113.32") + with_key("0123456789abcdef01234568", "free")), 3)
        << "a key has its own tier";
    EXPECT_EQ(admitted(instance, "/one", from("192.0.2.33") + with_key("0123456789abcdef01234569", "internal")), 10);
    EXPECT_EQ(admitted(instance, "/free", from("192.0.2.31")), 10) << "although the limit is reached";
    // Wrong credentials are 401 there, and not counted either.
    HttpClient client{instance.port()};
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(client.request("GET", "/one", {}, from("198.51.100.32") + "X-API-Key: slk_wrong\r\n").status, 401u);
    }
    EXPECT_FALSE(client.request("GET", "/one", {}, from("198.51.100.31")).header("RateLimit")) << "there is none to tell";
}

}  // namespace sluice::test

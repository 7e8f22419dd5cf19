// Requests that are refused while their bodies are still on the way: clients of every kind must come to read the answer
// (RFC 9112 section 9.6), directly and through proxies.
#include "support/http_client.hpp"
#include "support/proxies.hpp"
#include "support/world.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::test {
namespace {

const std::string config = R"(
server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0" }
postgres: { primary: "${SLUICE_PG_PRIMARY}" }
auth: { key_secrets: [ "${SLUICE_KEY_SECRET}" ] }
tiers: { anonymous: { requests: 1000000, window: 60s } }
routes:
  POST /credentials:
    auth: required
    body: { type: object }
    sql: select 1 as one
  POST /limit:
    limit: { requests: 1, window: 1h }
    body: { type: object }
    sql: select 1 as one
  POST /size:
    body: { type: object }
    sql: select 1 as one
  DELETE /no-body:
    sql: select 1 as one
)";

/// Sends all of the body before it looks for an answer, as many clients do; at so many bytes a second if that is not 0.
const std::string uploader = R"(
import http.client, sys, threading
port, method, path, size, rate = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
def pieces():
    pace = threading.Event()
    for _ in range(size // 20000):
        yield b"x" * 20000
        if rate: pace.wait(20000 / rate)
client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
fields = {"Content-Type": "application/json", "Content-Length": str(size // 20000 * 20000)}
client.request(method, path, body=pieces() if rate else b"x" * (size // 20000 * 20000), headers=fields)
answer = client.getresponse()
answer.read()
print(answer.status, end="")
)";

const std::string fetch = R"(
const [url, size] = process.argv.slice(-2);
fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: "x".repeat(Number(size)) })
  .then((answer) => process.stdout.write(String(answer.status)), (error) => process.stdout.write(String(error.cause ?? error)));
)";

struct Refusal {
    const char* method;
    const char* path;
    const char* status;
};
constexpr Refusal refusals[]{{"POST", "/credentials", "401"}, {"POST", "/limit", "429"},     {"POST", "/size", "413"},
                             {"POST", "/nowhere", "404"},     {"DELETE", "/no-body", "413"}, {"PUT", "/size", "405"}};

class EarlyRefusal : public ::testing::Test {
protected:
    EarlyRefusal() { http_post(instance_.port(), "/limit", "{}", "Content-Type: application/json\r\n"); }

    static std::string url(std::uint16_t port, const std::string& path) {
        return "http://127.0.0.1:" + std::to_string(port) + path;
    }
    std::string upload(std::uint16_t port, const Refusal& refusal, const std::string& prefix, std::size_t size,
                       std::size_t rate = 0) {
        const auto result = run_command({"python3", directory_.write("upload.py", uploader).string(), std::to_string(port),
                                         refusal.method, prefix + refusal.path, std::to_string(size), std::to_string(rate)});
        return result.out + result.err;
    }
    void expect_answers(std::uint16_t port, const std::string& prefix, std::size_t rate) {
        for (const auto& refusal : refusals) {
            for (const std::size_t mebibytes : {2u, 20u}) {
                if (rate > 0 && mebibytes > 2) continue;
                EXPECT_EQ(upload(port, refusal, prefix, mebibytes * 1024 * 1024, rate), refusal.status)
                    << refusal.method << ' ' << prefix << refusal.path << ' ' << mebibytes;
            }
        }
    }

    TemporaryDirectory directory_;
    Instance instance_{directory_.write("api.yaml", config), world_environment()};
};

}  // namespace

TEST_F(EarlyRefusal, IsReadByAClientThatSendsAllFirst) { expect_answers(instance_.port(), "", 0); }

TEST_F(EarlyRefusal, IsReadByASlowUploader) {
    EXPECT_EQ(upload(instance_.port(), refusals[0], "", 2 * 1024 * 1024, 400'000), "401");
    EXPECT_EQ(upload(instance_.port(), refusals[2], "", 2 * 1024 * 1024, 400'000), "413");
}

TEST_F(EarlyRefusal, IsReadThroughNginx) {
    const auto nginx = Proxy::nginx(instance_);
    expect_answers(nginx.port(), "", 0);
    expect_answers(nginx.port(), "/streamed", 0);
}

TEST_F(EarlyRefusal, IsReadThroughTheShippedHaproxy) {
    const Instance second{directory_.write("api.yaml", config), world_environment()};
    http_post(second.port(), "/limit", "{}", "Content-Type: application/json\r\n");
    const auto haproxy = Proxy::haproxy(instance_, second);
    expect_answers(haproxy.port(), "", 0);
    EXPECT_EQ(upload(haproxy.port(), refusals[0], "", 2 * 1024 * 1024, 400'000), "401");
}

TEST_F(EarlyRefusal, IsReadByCurlWgetAndNode) {
    const auto body = directory_.write("body", std::string(20 * 1024 * 1024, 'x')).string();
    const auto script = directory_.write("fetch.js", fetch).string();
    for (const auto& refusal : refusals) {
        if (std::string{refusal.method} != "POST") continue;
        const auto address = url(instance_.port(), refusal.path);
        for (const auto* expect : {"Expect:", "Expect: 100-continue"}) {
            const auto curl = run_command({"curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", expect, "-H",
                                           "Content-Type: application/json", "--data-binary", "@" + body, address});
            EXPECT_EQ(curl.out, refusal.status) << curl.err;
        }
        if (run_command({"sh", "-c", "command -v wget"}).exit_code == 0) {
            const auto wget = run_command({"wget", "-S", "-O", "/dev/null", "--tries=1",
                                           "--header=Content-Type: application/json", "--post-file=" + body, address});
            EXPECT_NE(wget.err.find(std::string{"HTTP/1.1 "} + refusal.status), std::string::npos) << wget.err;
        }
        if (run_command({"sh", "-c", "command -v node"}).exit_code == 0)
            EXPECT_EQ(run_command({"node", script, address, "20000000"}).out, refusal.status);
    }
}

}  // namespace sluice::test

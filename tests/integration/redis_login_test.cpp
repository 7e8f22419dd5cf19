// Logging in to a real Redis: users, databases, passwords that are wrong or missing, and what the log says of them.
#include "support/redis_fixture.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace sluice::redis {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::has_line;
using test::info;
using test::RedisInstance;
using test::RedisServer;

constexpr auto patient = 20'000ms;

std::size_t occurrences(const std::string& text, std::string_view of) {
    std::size_t count = 0;
    for (auto at = text.find(of); at != std::string::npos; at = text.find(of, at + of.size())) ++count;
    return count;
}

/// Standard output, where the log goes, from now on.
class Captured {
public:
    Captured() { testing::internal::CaptureStdout(); }
    ~Captured() {
        if (!ended_) testing::internal::GetCapturedStdout();
    }
    Captured(const Captured&) = delete;
    Captured& operator=(const Captured&) = delete;

    std::string end() {
        ended_ = true;
        return testing::internal::GetCapturedStdout();
    }

private:
    bool ended_ = false;
};

TEST(RedisLogin, LogsInAsAUserAndSelectsTheDatabaseOnANamedHost) {
    const RedisServer server;
    server.command({"ACL", "SETUSER", "app", "on", ">secret", "~*", "+@all"});
    RedisInstance instance{{"redis://app:secret@localhost:" + std::to_string(server.port()) + "/3", patient}};
    ASSERT_TRUE(instance.recovers());
    EXPECT_EQ(instance.ask(0, {"SET", "k", "v"}).status, Status::ok);
    EXPECT_EQ(instance.ask(0, {"ACL", "WHOAMI"}).value.text, "app");
    EXPECT_NE(server.command({"INFO", "keyspace"}).at(0).find("db3:keys=1"), std::string::npos);
}

TEST(RedisLogin, AWrongPasswordIsLoggedOnceAndRetried) {
    const RedisServer server;
    Captured output;
    {
        RedisInstance instance{{server.url("hunter2"), patient}};
        EXPECT_EQ(instance.ask(0, {"PING"}).status, Status::unavailable);
        EXPECT_TRUE(eventually([&] { return info(server, "commandstats", {"cmdstat_auth:", "failed_calls="}) >= 10; }));
        EXPECT_FALSE(instance.client.available());
        server.command({"CONFIG", "SET", "requirepass", "hunter2"});
        EXPECT_TRUE(instance.recovers());
    }
    const std::string log = output.end();
    EXPECT_EQ(occurrences(log, "redis_unavailable"), 1u) << log;
    EXPECT_EQ(occurrences(log, "WRONGPASS"), 1u) << log;
    EXPECT_EQ(occurrences(log, "redis_connected"), 1u) << log;
    EXPECT_EQ(occurrences(log, "hunter2"), 0u) << log;
}

TEST(RedisLogin, AMissingPasswordIsToldAsSuch) {
    const RedisServer server;
    Captured output;
    {
        RedisInstance instance{{"redis://127.0.0.1:" + std::to_string(server.port()), patient}};
        EXPECT_TRUE(eventually([&] { return has_line(instance.metrics, "sluice_breaker_state{dependency=\"redis\"} 1"); }));
    }
    EXPECT_EQ(occurrences(output.end(), "NOAUTH"), 1u);
}

TEST(RedisLogin, RefusesAUrlItCannotUse) {
    runtime::EventLoops loops{1};
    telemetry::Metrics metrics;
    EXPECT_THROW((Client{loops, RedisSettings{"rediss://h", 50ms}, metrics}), std::invalid_argument);
}

}  // namespace
}  // namespace sluice::redis

// What one client can fill, or one answer can take, is bounded: copies in Redis, answers, the memory of all that is in
// flight. Whole servers with a Redis of their own.
#include "support/http_client.hpp"
#include "support/postgres_fixture.hpp"
#include "support/redis_fixture.hpp"
#include "support/world.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>
#include <set>

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::size_t KiB = 1024;
constexpr std::size_t MiB = 1024 * KiB;

constexpr auto config = R"(
server:
  listen: "127.0.0.1:0"
  admin: "127.0.0.1:0"
  threads: 1
  memory: "${MEMORY:-512MiB}"
  max_answer: "${MAX_ANSWER:-16MiB}"
  compression: off
log: { access: off }
tiers: { anonymous: { requests: 1000000, window: 60s } }
postgres: { primary: "${PRIMARY}", timeout: 20s }
redis: { url: "${REDIS}", timeout: 2s, cache_url: "${CACHE_URL:-}" }
cache: { l1_bytes: "${L1:-256MiB}", l2_bytes: "${L2:-256MiB}" }
routes:
  GET /cached:
    params: { bytes: { type: integer, default: 100 }, more: string }
    result: one
    sql: select repeat('x', :bytes::int) as text, :more as more
    cache: { ttl: 1h, stale: 1h }
  GET /read:
    params: { bytes: { type: integer, default: 100 } }
    result: one
    sql: select repeat('x', :bytes::int) as text
  GET /rows:
    params: { count: { type: integer, default: 1 } }
    max_answer: 4KiB
    sql: select repeat('x', 1000) as text from generate_series(1, :count::int)
  POST /write:
    body: { type: object, required: [id, bytes], properties: { id: { type: integer }, bytes: { type: integer } } }
    max_answer: 4KiB
    result: one
    status: 201
    sql: insert into thing values (:id, repeat('y', :bytes::int)) returning id, name
  GET /strict:
    params: { code: { type: string, pattern: "^(a?){40}a{40}$|[ab]*a[ab]{12}c", maxLength: 20000 } }
    result: one
    sql: select length(:code) as length
)";

class BoundsTest : public PostgresTest {
protected:
    void SetUp() override {
        world_environment();
        PostgresTest::SetUp();
        file_ = directory_.write("c.yaml", config);
    }

    Instance& serve(Environment environment = {}) {
        environment.emplace("PRIMARY", primary);
        environment.emplace("REDIS", redis.url());
        auto& instance = *instances_.emplace_back(std::make_unique<Instance>(file_, environment));
        EXPECT_TRUE(eventually([&] { return dependencies(instance).at("redis") == "ok"; })) << instance.log();
        return instance;
    }
    static nlohmann::json dependencies(const Instance& instance) {
        return nlohmann::json::parse(http_get(instance.admin_port(), "/health/ready").body).at("dependencies");
    }
    static double metric(const Instance& instance, const std::string& series) {
        const auto text = http_get(instance.admin_port(), "/metrics").body;
        const auto at = text.find("\n" + series + " ");
        return at == text.npos ? 0 : std::stod(text.substr(at + series.size() + 2));
    }
    static std::string status_of(const HttpResponse& response) { return response.header("Cache-Status").value_or(""); }
    static std::size_t count(const std::string& text, const std::string& part) {
        std::size_t found = 0;
        for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
        return found;
    }
    std::vector<std::string> copies(const RedisServer& in) { return in.command({"KEYS", "sluice:*:c:*"}); }
    std::size_t bytes_of_copies() {
        std::size_t sum = 0;
        for (const auto& key : copies(redis)) sum += std::stoul(redis.command({"MEMORY", "USAGE", key}).at(0));
        return sum;
    }

    RedisServer redis;
    TemporaryDirectory directory_;
    std::filesystem::path file_;
    std::vector<std::unique_ptr<Instance>> instances_;
};

}  // namespace

TEST_F(BoundsTest, NewPermutationsFillRedisUpToHalfOfTheBudgetAndGoAfterAMinute) {
    auto& instance = serve({{"L2", "1MiB"}});
    std::vector<int> numbers(400);
    std::iota(numbers.begin(), numbers.end(), 0);
    std::mt19937 random{3};
    HttpClient client{instance.port()};
    for (int i = 0; i < 120; ++i) {
        std::shuffle(numbers.begin(), numbers.end(), random);
        std::string list;
        for (const auto number : numbers) list += std::to_string(number) + ',';
        ASSERT_EQ(client.request("GET", "/cached?bytes=35000&more=" + list).status, 200u);
    }
    ASSERT_TRUE(
        eventually([&] { return metric(instance, R"(sluice_cache_not_kept_total{level="l2",reason="budget"})") > 80; }));
    EXPECT_LE(bytes_of_copies(), MiB / 2);
    EXPECT_GT(copies(redis).size(), 8u) << "what there is room for is kept";
    EXPECT_LE(metric(instance, R"(sluice_cache_bytes{level="l2"})"), MiB / 2);
    EXPECT_EQ(count(instance.log(), "l2_budget_spent"), 1u) << instance.log();
    for (const auto& key : copies(redis)) {
        EXPECT_LE(std::stoll(redis.command({"PTTL", key}).at(0)), 60'000) << "nobody read it again";
    }
    // What another instance reads is used, for which there is room yet.
    auto& other = serve({{"L2", "1MiB"}});
    ASSERT_EQ(http_get(instance.port(), "/cached?bytes=10&more=used").status, 200u);
    EXPECT_EQ(dependencies(other).at("redis"), "ok");
}

TEST_F(BoundsTest, ACopyThatAnotherInstanceReadsLivesOn) {
    auto& one = serve();
    auto& other = serve();
    ASSERT_THAT(status_of(http_get(one.port(), "/cached?more=a")), HasSubstr("fwd=miss"));
    ASSERT_THAT(status_of(http_get(one.port(), "/cached?more=b")), HasSubstr("fwd=miss"));
    ASSERT_TRUE(eventually([&] { return copies(redis).size() == 2; }));
    const auto used = http_get(other.port(), "/cached?more=a");
    EXPECT_THAT(status_of(used), HasSubstr("detail=l2"));
    EXPECT_EQ(used.header("Age"), "0") << "its age is known although it was on trial";
    const auto life = [&](const std::string& suffix) {
        for (const auto& key : copies(redis)) {
            if (key.ends_with(suffix)) return std::stoll(redis.command({"PTTL", key}).at(0));
        }
        return -1LL;
    };
    EXPECT_TRUE(eventually([&] { return life("more=a") > 7'000'000; })) << "ttl and stale";
    EXPECT_LE(life("more=b"), 60'000);
    // Its age is still that of the load.
    auto& third = serve();
    const auto again = http_get(third.port(), "/cached?more=a");
    EXPECT_THAT(status_of(again), HasSubstr("detail=l2"));
    EXPECT_LT(std::stoi(again.header("Age").value()), 60);
}

TEST_F(BoundsTest, WithoutABudgetNothingIsPutIntoRedisAndL1Serves) {
    auto& instance = serve({{"L2", "0"}});
    http_get(instance.port(), "/cached?more=a");
    EXPECT_THAT(status_of(http_get(instance.port(), "/cached?more=a")), HasSubstr("detail=l1"));
    ASSERT_TRUE(
        eventually([&] { return metric(instance, R"(sluice_cache_not_kept_total{level="l2",reason="budget"})") == 1; }));
    EXPECT_TRUE(copies(redis).empty());
}

TEST_F(BoundsTest, ALargeValueIsAHitOfTheProcessAndNoTransfer) {
    auto& instance = serve();
    for (const std::size_t bytes : {5 * MiB, 15 * MiB, MiB}) {
        const auto target = "/cached?bytes=" + std::to_string(bytes);
        ASSERT_EQ(http_get(instance.port(), target).status, 200u);
        const auto read = metric(instance, R"(sluice_cache_requests_total{level="l2",result="hit"})");
        for (int i = 0; i < 3; ++i) EXPECT_THAT(status_of(http_get(instance.port(), target)), HasSubstr("detail=l1"));
        EXPECT_EQ(metric(instance, R"(sluice_cache_requests_total{level="l2",result="hit"})"), read);
    }
    EXPECT_TRUE(eventually([&] { return copies(redis).size() == 1; })) << "what holds Redis up is not sent there";
    EXPECT_EQ(metric(instance, R"(sluice_cache_not_kept_total{level="l2",reason="size"})"), 2);
}

TEST_F(BoundsTest, AnAnswerThatNoLevelTakesIsToldOnceAndCounted) {
    auto& instance = serve({{"L1", "8MiB"}});
    const auto target = "/cached?bytes=" + std::to_string(3 * MiB);
    for (int i = 0; i < 3; ++i) EXPECT_THAT(status_of(http_get(instance.port(), target)), HasSubstr("fwd=miss"));
    EXPECT_EQ(metric(instance, R"(sluice_cache_not_kept_total{level="l1",reason="size"})"), 3);
    EXPECT_EQ(count(instance.log(), "answer_not_kept"), 1u) << instance.log();
    EXPECT_THAT(instance.log(), HasSubstr(R"("route":"GET /cached","bytes":)"));
    EXPECT_THAT(instance.log(), HasSubstr(R"("limit":2097152)"));
    EXPECT_TRUE(copies(redis).empty()) << "else every hit would fetch it";
}

TEST_F(BoundsTest, CopiesApartFromLimitsMayFailByThemselves) {
    RedisServer cache;
    auto& instance = serve({{"CACHE_URL", cache.url()}});
    EXPECT_EQ(dependencies(instance).at("redis-cache"), "ok");
    http_get(instance.port(), "/cached?more=a");
    EXPECT_TRUE(eventually([&] { return copies(cache).size() == 1; }));
    EXPECT_TRUE(copies(redis).empty());
    EXPECT_TRUE(cache.command({"KEYS", "sluice:*lease*"}).empty());
    EXPECT_FALSE(redis.command({"KEYS", "sluice:*lease*"}).empty());
    cache.kill();
    EXPECT_TRUE(eventually([&] { return dependencies(instance).at("redis-cache") == "unreachable"; }));
    EXPECT_EQ(dependencies(instance).at("redis"), "ok");
    EXPECT_EQ(metric(instance, R"(sluice_dependency_up{dependency="redis-cache"})"), 0);
    EXPECT_EQ(metric(instance, R"(sluice_dependency_up{dependency="redis"})"), 1);
    const auto before = metric(instance, R"(sluice_ratelimit_decisions_total{decision="local",tier="anonymous"})");
    for (int i = 0; i < 20; ++i) EXPECT_EQ(http_get(instance.port(), "/cached?more=" + std::to_string(i)).status, 200u);
    EXPECT_EQ(metric(instance, R"(sluice_ratelimit_decisions_total{decision="local",tier="anonymous"})"), before);
    EXPECT_EQ(metric(instance, R"(sluice_breaker_state{dependency="redis"})"), 0);
    EXPECT_TRUE(eventually([&] { return metric(instance, R"(sluice_breaker_state{dependency="redis-cache"})") > 0; }));
}

// Each connection of Redis tells what it was last asked.
TEST_F(BoundsTest, WithOneRedisCopiesHaveConnectionsOfTheirOwn) {
    auto& instance = serve();
    const auto lines = redis.monitor([&] {
        for (int i = 0; i < 20; ++i) http_get(instance.port(), "/cached?more=" + std::to_string(i));
        eventually([&] { return copies(redis).size() == 20; });
    });
    std::set<std::string> of_copies;
    std::set<std::string> of_limits;
    for (const auto& line : lines) {
        const auto from = line.substr(0, line.find(']'));
        const auto address = from.substr(from.rfind(' ') + 1);
        if (line.find("\"SET\" \"sluice:") != line.npos) of_copies.insert(address);
        if (line.find("lease") != line.npos && line.find("EVALSHA") != line.npos) of_limits.insert(address);
    }
    EXPECT_FALSE(of_copies.empty());
    EXPECT_FALSE(of_limits.empty());
    for (const auto& address : of_limits) EXPECT_FALSE(of_copies.contains(address)) << address;
}

TEST_F(BoundsTest, AnAnswerLargerThanItMayBeIsAProblemAndALineInTheLog) {
    auto& instance = serve({{"MAX_ANSWER", "1MiB"}});
    for (const auto* path : {"/read", "/cached"}) {
        const auto fits = http_get(instance.port(), path + std::string{"?bytes="} + std::to_string(MiB - 100));
        EXPECT_EQ(fits.status, 200u);
        const auto answer = http_get(instance.port(), path + std::string{"?bytes="} + std::to_string(3 * MiB));
        EXPECT_EQ(answer.status, 500u);
        EXPECT_THAT(answer.body, HasSubstr("larger than this API gives"));
        EXPECT_TRUE(eventually([&] {
            return instance.log().find("\"answer_too_large\",\"route\":\"GET " + std::string{path} + "\"") !=
                   std::string::npos;
        })) << instance.log();
        EXPECT_EQ(metric(instance, "sluice_answers_too_large_total{route=\"" + std::string{path} + "\"}"), 1);
    }
    EXPECT_THAT(instance.log(), HasSubstr(R"("bytes":3145739,"limit":1048576)"));
    // Its own word holds over the server's.
    EXPECT_EQ(http_get(instance.port(), "/rows?count=5").status, 500u);
    EXPECT_EQ(http_get(instance.port(), "/rows?count=4").status, 200u);
}

// Quick statements run on the loop's own connections, which take no large answer: a worker does.
TEST_F(BoundsTest, AQuickStatementMayHaveALargeAnswer) {
    auto& instance = serve();
    for (int i = 0; i < 30; ++i) ASSERT_EQ(http_get(instance.port(), "/read").status, 200u);
    for (const std::size_t bytes : {200 * KiB, 300 * KiB, 2 * MiB, 15 * MiB}) {
        const auto answer = http_get(instance.port(), "/read?bytes=" + std::to_string(bytes));
        EXPECT_EQ(answer.status, 200u);
        EXPECT_EQ(answer.body.size(), bytes + std::string{R"({"data":{"text":""}})"}.size());
    }
    EXPECT_EQ(http_get(instance.port(), "/read?bytes=" + std::to_string(17 * MiB)).status, 500u);
    EXPECT_EQ(http_get(instance.port(), "/read").status, 200u);
}

TEST_F(BoundsTest, AWriteThatWouldAnswerTooMuchIsNotDone) {
    auto& instance = serve();
    const auto write = [&](int id, std::size_t bytes) {
        return http_post(instance.port(), "/write", nlohmann::json{{"id", id}, {"bytes", bytes}}.dump(),
                         "Content-Type: application/json\r\n");
    };
    EXPECT_EQ(write(901, 100).status, 201u);
    EXPECT_EQ(write(902, 100'000).status, 500u);
    EXPECT_EQ(sql("select count(*) from thing where id in (901, 902)").at(0).at(0), "1");
}

TEST_F(BoundsTest, BeyondTheMemoryForAnswersARequestIsRefusedAndOthersGoOn) {
    auto& instance = serve({{"MEMORY", "24MiB"}});
    const std::string large = "/read?bytes=" + std::to_string(15 * MiB);
    {
        auto slow = HttpClient::narrow(instance.port());
        slow.send("GET " + large + " HTTP/1.1\r\nHost: a\r\n\r\n");
        ASSERT_TRUE(eventually([&] { return metric(instance, "sluice_memory_in_flight_bytes") > 15e6; }));
        HttpResponse refused = http_get(instance.port(), large);
        EXPECT_EQ(refused.status, 503u);
        EXPECT_EQ(refused.header("Retry-After"), "1");
        EXPECT_GE(metric(instance, R"(sluice_memory_refusals_total{what="answer"})"), 1);
        EXPECT_EQ(http_get(instance.port(), "/rows").status, 200u) << "what is small is not in the way";
    }
    EXPECT_TRUE(eventually([&] { return metric(instance, "sluice_memory_in_flight_bytes") == 0; }));
    EXPECT_TRUE(eventually([&] { return http_get(instance.port(), large).status == 200; }));
}

TEST_F(BoundsTest, BeyondTheMemoryForBodiesARequestIsRefused) {
    auto& instance = serve({{"MEMORY", "1MiB"}});
    const std::string head =
        "POST /write HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 500000\r\n\r\n";
    HttpClient slow{instance.port()};
    slow.send(head);
    ASSERT_TRUE(eventually([&] { return metric(instance, "sluice_memory_in_flight_bytes") > 900e3; }));
    HttpClient second{instance.port()};
    second.send(head);
    const auto refused = second.receive();
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->status, 503u);
    EXPECT_EQ(refused->header("Retry-After"), "1");
    EXPECT_EQ(metric(instance, R"(sluice_memory_refusals_total{what="body"})"), 1);
    slow.reset();
    EXPECT_TRUE(eventually([&] { return metric(instance, "sluice_memory_in_flight_bytes") == 0; }));
}

}  // namespace sluice::test

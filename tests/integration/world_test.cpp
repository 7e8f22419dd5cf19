// The example API over HTTP, as its users see it.
#include "support/world.hpp"
#include "support/http_client.hpp"
#include "support/private_stack.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <csignal>

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

nlohmann::json data_of(const HttpResponse& response) { return nlohmann::json::parse(response.body).at("data"); }

/// One instance for all tests of the suite; a wide key, so that no test runs into another's limit.
class WorldTest : public ::testing::Test {
protected:
    static void SetUpTestSuite() {
        PrivateStack::instance().up();
        instance_ = std::make_unique<Instance>(world_config(), world_environment());
        key_ = create_key("enterprise", {"reviews:write"});
    }
    static void TearDownTestSuite() { instance_.reset(); }

    static HttpResponse get(const std::string& target, const std::string& headers = {}) {
        return http_get(instance_->port(), target, key_.header() + headers);
    }
    static HttpResponse send(const std::string& method, const std::string& target, const std::string& body = {},
                             const std::string& headers = "Content-Type: application/json\r\n", const Key& key = key_) {
        return HttpClient{instance_->port()}.request(method, target, body, key.header() + headers);
    }

    static std::unique_ptr<Instance> instance_;
    static Key key_;
};
std::unique_ptr<Instance> WorldTest::instance_;
Key WorldTest::key_;

}  // namespace

TEST_F(WorldTest, ACityIsLoadedOnceThenServedFromThisProcess) {
    const auto first = get("/v1/cities/2988507");
    ASSERT_EQ(first.status, 200u) << first.body;
    EXPECT_EQ(data_of(first).at("name"), "Paris");
    EXPECT_EQ(first.header("Content-Type"), "application/json");
    EXPECT_EQ(first.header("Cache-Status"), "sluice; fwd=miss");
    const auto second = get("/v1/cities/2988507");
    EXPECT_THAT(second.header("Cache-Status").value_or(""), StartsWith("sluice; hit; ttl="));
    EXPECT_THAT(second.header("Cache-Status").value_or(""), HasSubstr("detail=l1"));
    EXPECT_EQ(second.body, first.body);
    EXPECT_TRUE(second.header("Age"));
    EXPECT_EQ(second.header("Cache-Control"), "no-cache");
    EXPECT_EQ(second.header("X-RateLimit-Limit"), "100000");
    EXPECT_TRUE(second.header("X-Request-Id"));

    const auto etag = second.header("ETag").value_or("");
    const auto unchanged = get("/v1/cities/2988507", "If-None-Match: " + etag + "\r\n");
    EXPECT_EQ(unchanged.status, 304u);
    EXPECT_TRUE(unchanged.body.empty());
}

TEST_F(WorldTest, EveryReadAnswers) {
    for (const auto* target : {"/v1/cities?limit=3", "/v1/cities?country=FR&min_population=500000",
                               "/v1/cities/search?q=par", "/v1/cities/nearest?lat=48.85&lon=2.35", "/v1/countries",
                               "/v1/countries/FR", "/v1/countries/FR/cities", "/v1/countries/FR/stats", "/v1/regions",
                               "/v1/cities/2988507/full", "/v1/cities/2988507/reviews", "/v1/me/reviews"}) {
        const auto response = get(target);
        EXPECT_EQ(response.status, 200u) << target << ": " << response.body;
        EXPECT_TRUE(nlohmann::json::parse(response.body).contains("data")) << target;
    }
    EXPECT_EQ(data_of(get("/v1/cities?limit=3")).size(), 3u);
    EXPECT_EQ(data_of(get("/v1/cities/nearest?lat=48.85&lon=2.35")).at(0).at("name"), "Paris");
}

TEST_F(WorldTest, BadInputIsNamed) {
    const auto unknown = get("/v1/cities?limt=3");
    EXPECT_EQ(unknown.status, 400u);
    EXPECT_EQ(unknown.header("Content-Type"), "application/problem+json");
    const auto problem = nlohmann::json::parse(unknown.body);
    EXPECT_EQ(problem.at("errors").at(0).at("in"), "query");
    EXPECT_EQ(problem.at("errors").at(0).at("name"), "limt");
    EXPECT_EQ(problem.at("request_id"), unknown.header("X-Request-Id"));
    EXPECT_EQ(get("/v1/cities?limit=3&limit=4").status, 400u);
    EXPECT_EQ(get("/v1/cities?limit=1000").status, 400u);
    EXPECT_EQ(get("/v1/cities/abc").status, 400u);
    EXPECT_EQ(get("/v1/cities/%ff").status, 400u);
    EXPECT_EQ(get("/v1/cities/99999999999999999999").status, 400u);
    EXPECT_EQ(get("/v1/cities/search?q=x%00y").status, 400u);
    EXPECT_EQ(get("/v1/cities/1").status, 404u);
    EXPECT_EQ(get("/nothing/here").status, 404u);
}

TEST_F(WorldTest, InjectionIsOnlyText) {
    const auto response = get("/v1/cities/search?q=%27%3B%20drop%20table%20review%3B--");
    EXPECT_EQ(response.status, 200u);
    EXPECT_EQ(data_of(response).size(), 0u);
}

TEST_F(WorldTest, MethodsAreToldApart) {
    const auto refused = send("DELETE", "/v1/cities/2988507");
    EXPECT_EQ(refused.status, 405u);
    EXPECT_THAT(refused.header("Allow").value_or(""), HasSubstr("GET"));
    const auto options = send("OPTIONS", "/v1/cities/2988507/reviews");
    EXPECT_EQ(options.status, 204u);
    EXPECT_THAT(options.header("Allow").value_or(""), HasSubstr("POST"));
    HttpClient client{instance_->port()};
    client.send("HEAD /v1/cities/2988507 HTTP/1.1\r\nHost: x\r\n" + key_.header() + "\r\n");
    const auto head = client.receive(HttpClient::Body::none);
    ASSERT_TRUE(head);
    EXPECT_EQ(head->status, 200u);
    EXPECT_EQ(head->header("Content-Length"), std::to_string(get("/v1/cities/2988507").body.size()));
}

TEST_F(WorldTest, AReviewIsWrittenChangedAndDeletedByItsAuthorOnly) {
    const auto made = send("POST", "/v1/cities/2988507/reviews", R"({"stars":5,"text":"Très bien"})");
    ASSERT_EQ(made.status, 201u) << made.body;
    const auto id = std::to_string(data_of(made).at("id").get<long>());
    EXPECT_EQ(data_of(made).at("author"), key_.id);
    EXPECT_EQ(data_of(get("/v1/cities/2988507/reviews")).at(0).at("text"), "Très bien");

    const auto other = create_key("enterprise", {"reviews:write"});
    const std::string json = "Content-Type: application/json\r\n";
    EXPECT_EQ(send("PATCH", "/v1/reviews/" + id, R"({"stars":1})", json, other).status, 404u);
    EXPECT_EQ(send("PATCH", "/v1/reviews/" + id, R"({"stars":4})").status, 200u);
    EXPECT_EQ(data_of(get("/v1/cities/2988507/reviews")).at(0).at("stars"), 4) << "the write invalidated the cached answer";
    EXPECT_EQ(send("DELETE", "/v1/reviews/" + id, "", "", other).status, 404u);
    const auto deleted = send("DELETE", "/v1/reviews/" + id, "", "");
    EXPECT_EQ(deleted.status, 204u);
    EXPECT_TRUE(deleted.body.empty());
    EXPECT_EQ(send("DELETE", "/v1/reviews/" + id, "", "").status, 404u);
}

TEST_F(WorldTest, ABodyIsCheckedBeforeTheDatabaseIsAsked) {
    const std::string path = "/v1/cities/2988507/reviews";
    EXPECT_EQ(send("POST", path, R"({"stars":6,"text":"x"})").status, 422u);
    EXPECT_EQ(send("POST", path, R"({"stars":5})").status, 422u);
    EXPECT_EQ(send("POST", path, R"({"stars":5,"text":"a\u0000b"})").status, 422u);
    EXPECT_EQ(send("POST", path, "{").status, 400u);
    EXPECT_EQ(send("POST", path, "stars=5", "Content-Type: application/x-www-form-urlencoded\r\n").status, 415u);
    EXPECT_EQ(send("POST", path, std::string(2 << 20, 'x')).status, 413u);
    EXPECT_EQ(send("POST", "/v1/cities/1/reviews", R"({"stars":5,"text":"nowhere"})").status, 422u) << "no such city";
}

TEST_F(WorldTest, WhoMayWriteIsDecidedByTheKey) {
    const std::string review = R"({"stars":5,"text":"x"})";
    const std::string json = "Content-Type: application/json\r\n";
    // Failed attempts count against the address: one of their own, as a trusted proxy would tell it.
    const std::string client = "X-Forwarded-For: 198.51.100.78\r\n";
    EXPECT_EQ(http_post(instance_->port(), "/v1/cities/2988507/reviews", review, client + json).status, 401u);
    EXPECT_EQ(send("POST", "/v1/cities/2988507/reviews", review, json, create_key("pro")).status, 403u);
    EXPECT_EQ(http_get(instance_->port(), "/v1/cities/2988507", client + "X-API-Key: slk_wrong\r\n").status, 401u);
    EXPECT_EQ(http_get(instance_->port(), "/v1/cities/2988507", client + key_.header() + key_.header()).status, 401u);
    for (int i = 0; i < 97; ++i) http_get(instance_->port(), "/v1/cities/2988507", client + "X-API-Key: slk_guess\r\n");
    EXPECT_EQ(http_get(instance_->port(), "/v1/cities/2988507", client + "X-API-Key: slk_last\r\n").status, 429u)
        << "keys cannot be guessed at speed";
    EXPECT_EQ(http_get(instance_->port(), "/v1/cities/2988507", client + key_.header()).status, 200u);
}

TEST_F(WorldTest, ARevokedKeyIsRefusedSoon) {
    const std::string client = "X-Forwarded-For: 198.51.100.79\r\n";
    const auto key = create_key("pro");
    ASSERT_EQ(http_get(instance_->port(), "/v1/regions", key.header()).status, 200u);
    const auto set =
        run_command({sluice_program(), "keys", "set-tier", "--config", world_config().string(), key.id, "enterprise"},
                    world_environment());
    EXPECT_EQ(set.exit_code, 0) << set.err;
    EXPECT_TRUE(eventually(
        [&] { return http_get(instance_->port(), "/v1/regions", key.header()).header("X-RateLimit-Limit") == "100000"; }));
    const auto revoked =
        run_command({sluice_program(), "keys", "revoke", "--config", world_config().string(), key.id}, world_environment());
    EXPECT_EQ(revoked.exit_code, 0) << revoked.err;
    EXPECT_TRUE(eventually([&] { return http_get(instance_->port(), "/v1/regions", client + key.header()).status == 401; }));
    const auto listed =
        run_command({sluice_program(), "keys", "list", "--config", world_config().string()}, world_environment());
    EXPECT_THAT(listed.out, HasSubstr(key.id));
    EXPECT_THAT(listed.out, HasSubstr("revoked"));
    const auto missing = run_command({sluice_program(), "keys", "revoke", "--config", world_config().string(), "nobody"},
                                     world_environment());
    EXPECT_EQ(missing.exit_code, 1);
    EXPECT_THAT(missing.err, HasSubstr("there is no key with the id 'nobody'"));
}

TEST_F(WorldTest, TheHundredAndFirstAnonymousRequestIsRefused) {
    // Its own client address, as a trusted proxy would tell it.
    const std::string client = "X-Forwarded-For: 198.51.100.77\r\n";
    HttpClient connection{instance_->port()};
    for (int i = 0; i < 100; ++i) {
        const auto response = connection.request("GET", "/v1/cities/2988507", {}, client);
        ASSERT_EQ(response.status, 200u) << "request " << i + 1;
        EXPECT_EQ(response.header("X-RateLimit-Remaining"), std::to_string(99 - i));
    }
    const auto refused = connection.request("GET", "/v1/cities/2988507", {}, client);
    EXPECT_EQ(refused.status, 429u);
    EXPECT_TRUE(refused.header("Retry-After"));
    EXPECT_EQ(refused.header("RateLimit-Policy"), R"("anonymous";q=100;w=60)");
    const auto with_key = connection.request("GET", "/v1/cities/2988507", {}, client + create_key("pro").header());
    EXPECT_EQ(with_key.status, 200u);
    EXPECT_EQ(with_key.header("X-RateLimit-Limit"), "10000");
}

TEST_F(WorldTest, TwoInstancesShareLimitsCopiesAndInvalidations) {
    Instance other{world_config(), world_environment()};
    const auto from = [&](std::uint16_t port, const std::string& target, const std::string& headers) {
        return http_get(port, target, headers);
    };
    const std::string client = "X-Forwarded-For: 198.51.100.88\r\n";
    for (int i = 0; i < 50; ++i) {
        ASSERT_EQ(from(instance_->port(), "/v1/regions", client).status, 200u);
        ASSERT_EQ(from(other.port(), "/v1/regions", client).status, 200u);
    }
    EXPECT_EQ(from(other.port(), "/v1/regions", client).status, 429u);

    const std::string reviews = "/v1/cities/2643743/reviews";
    ASSERT_EQ(from(instance_->port(), reviews, key_.header()).status, 200u);
    ASSERT_TRUE(eventually([&] {
        const auto answer = from(other.port(), reviews, key_.header());
        return answer.header("Cache-Status").value_or("").find("hit") != std::string::npos;
    })) << "the other instance finds the shared copy, then its own";
    ASSERT_EQ(send("POST", reviews, R"({"stars":3,"text":"seen by both"})").status, 201u);
    EXPECT_EQ(data_of(get(reviews)).at(0).at("text"), "seen by both") << "at once where it was written";
    EXPECT_TRUE(eventually([&] { return !data_of(from(other.port(), reviews, key_.header())).empty(); }));
}

TEST_F(WorldTest, APurgeReachesEveryInstance) {
    Instance other{world_config(), world_environment()};
    const auto status_of = [&](const Instance& instance) {
        return http_get(instance.port(), "/v1/cities/2950159", key_.header()).header("Cache-Status").value_or("");
    };
    const auto cached = [&](const Instance& instance) {
        return eventually([&] { return status_of(instance).find("detail=l1") != std::string::npos; });
    };
    auto environment = world_environment();
    environment["SLUICE_ADMIN"] = "127.0.0.1:" + std::to_string(other.admin_port());
    for (const auto& what : {std::vector<std::string>{"--tag", "city:2950159"}, {"--pattern", "/v1/cities/29501*"}}) {
        ASSERT_TRUE(cached(*instance_));
        ASSERT_TRUE(cached(other));
        std::vector<std::string> command{sluice_program(), "purge", "--config", world_config().string()};
        command.insert(command.end(), what.begin(), what.end());
        const auto purged = run_command(command, environment);
        ASSERT_EQ(purged.exit_code, 0) << purged.err;
        EXPECT_TRUE(eventually([&] {
            const auto status = status_of(*instance_);  // once: whatever loads it keeps it
            return status == "sluice; fwd=miss" || status.find("detail=l2") != std::string::npos;
        }));
        EXPECT_THAT(instance_->log(), HasSubstr("serving"));
    }
}

TEST_F(WorldTest, ThePurgeApiNeedsItsToken) {
    EXPECT_EQ(http_post(instance_->admin_port(), "/admin/purge", R"({"tag":"x"})").status, 401u);
    EXPECT_EQ(http_post(instance_->admin_port(), "/admin/purge", R"({"tag":"x"})", "Authorization: Bearer wrong\r\n").status,
              401u);
    const auto token = "Authorization: Bearer " + world_environment().at("SLUICE_ADMIN_TOKEN") + "\r\n";
    EXPECT_EQ(http_post(instance_->admin_port(), "/admin/purge", R"({"tag":"x"})", token).status, 204u);
    EXPECT_EQ(http_post(instance_->admin_port(), "/admin/purge", R"({"tga":"x"})", token).status, 400u);
    for (const std::string bad :
         {R"({"pattern":"/x/q/a\u0000z"})", R"({"tag":"a\u0000"})", R"({"tag":"a\nb"})", R"({"pattern":"\u007f"})"}) {
        const auto answer = http_post(instance_->admin_port(), "/admin/purge", bad, token);
        EXPECT_EQ(answer.status, 422u) << bad;
        EXPECT_NE(answer.body.find("must not contain control characters"), answer.body.npos) << answer.body;
    }
    const auto long_pattern = R"({"pattern":"*)" + std::string(1024, '[') + "\"}";
    const auto too_long = http_post(instance_->admin_port(), "/admin/purge", long_pattern, token);
    EXPECT_EQ(too_long.status, 422u);
    EXPECT_NE(too_long.body.find("must have at most 1024 bytes"), too_long.body.npos) << too_long.body;
}

TEST_F(WorldTest, HealthAndMetricsTellWhatIs) {
    EXPECT_EQ(http_get(instance_->admin_port(), "/health/live").status, 200u);
    EXPECT_TRUE(eventually([&] {
        return nlohmann::json::parse(http_get(instance_->admin_port(), "/health/ready").body).at("status") == "ok";
    })) << http_get(instance_->admin_port(), "/health/ready").body;
    get("/v1/cities/2988507");
    const auto metrics = http_get(instance_->admin_port(), "/metrics");
    EXPECT_EQ(metrics.status, 200u);
    for (const auto* name :
         {"sluice_http_requests_total", "sluice_http_request_duration_seconds_bucket", "sluice_http_in_flight",
          "sluice_http_connections", "sluice_cache_requests_total", "sluice_cache_bytes", "sluice_ratelimit_decisions_total",
          "sluice_breaker_state", "sluice_db_connections", "sluice_db_query_seconds_bucket", "sluice_replica_lag_seconds",
          "sluice_redis_commands_total", "sluice_build_info", "process_resident_memory_bytes"}) {
        EXPECT_THAT(metrics.body, HasSubstr("\n" + std::string{name})) << name;
    }
    const TemporaryDirectory directory;
    const auto file = directory.write("metrics", metrics.body);
    const auto checked = run_command({"sh", "-c", "promtool check metrics < " + file.string()});
    EXPECT_EQ(checked.exit_code, 0);
    EXPECT_EQ(checked.out + checked.err, "");
}

}  // namespace sluice::test

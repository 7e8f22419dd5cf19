// JSON Web Tokens against running instances: over HTTP, with keys from a file and from an address, and on the command line.
#include "support/http_client.hpp"
#include "support/http_test_server.hpp"
#include "support/process.hpp"
#include "support/token_attacks.hpp"
#include "support/world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <fstream>
#include <mutex>

namespace sluice::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

/// A JWK Set on an address; 503 as long as it is empty.
class KeyServer {
public:
    void serve(std::string jwks) {
        const std::lock_guard lock{mutex_};
        jwks_ = std::move(jwks);
    }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()) + "/jwks"; }

private:
    std::vector<Route> routes() {
        const auto answer = [this](Exchange&) -> awaitable<Response> {
            const std::lock_guard lock{mutex_};
            co_return jwks_.empty() ? Response::empty(503) : Response::json(200, jwks_);
        };
        std::vector<Route> made;
        made.push_back(make_route(Method::get, "/jwks", answer));
        return made;
    }

    std::mutex mutex_;
    std::string jwks_;
    HttpTestServer server_{routes()};
};

class TokenTest : public ::testing::Test {
protected:
    static const Issuer& issuer() {
        static const Issuer made{std::time(nullptr)};
        return made;
    }

    /// `source`: the line of `jwt` that says where the keys are.
    std::filesystem::path config(const std::string& source) const {
        return directory_.write("api.yaml", R"(
server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0" }
log: { level: debug }
postgres: { primary: "${SLUICE_PG_PRIMARY}" }
redis: { url: "${SLUICE_REDIS}" }
tiers: { anonymous: { requests: 100000, window: 60s } }
auth:
  key_secrets: [ "${SLUICE_KEY_SECRET}" ]
  jwt:
    issuer: https://issuer.example
    audience: https://api.example
    refresh: 1s
    )" + source + R"(
routes:
  GET /me:
    auth: required
    result: one
    sql: select :sub as sub, :key_id as key_id, :claims::json->>'department' as department
  GET /mine:
    result: one
    cache: { ttl: 300s, vary: identity }
    sql: select :sub as sub, :key_id as key_id, :claims::json->>'department' as department
  GET /open:
    auth: none
    sql: select 1 as one
  GET /reviews:
    scopes: [reviews:write]
    sql: select 1 as one
)");
    }
    std::filesystem::path config_with_file(const std::string& jwks) const {
        directory_.write("keys.json", jwks);
        return config("jwks_file: keys.json");
    }

    static std::string bearer(const std::string& token) { return "Authorization: Bearer " + token + "\r\n"; }
    static unsigned status_of(const Instance& instance, const std::string& token, const std::string& target = "/me") {
        return http_get(instance.port(), target, bearer(token)).status;
    }
    static json data_of(const HttpResponse& response) { return json::parse(response.body).at("data"); }
    static json health_of(const Instance& instance) {
        return json::parse(http_get(instance.admin_port(), "/health/ready").body);
    }
    static std::string new_token() {
        return issuer().stranger.token("RS256", issuer().header("RS256", {{"kid", "rsa-2"}}), issuer().claims());
    }
    static std::string new_jwks() { return json{{"keys", {issuer().stranger.jwk({{"kid", "rsa-2"}})}}}.dump(); }

    TemporaryDirectory directory_;
};

/// What travels in a header field as it is. The rest is the field parser's business.
bool fits_a_field(const std::string& token) {
    return !token.empty() && token.find('\n') == token.npos && token.back() != ' ';
}

}  // namespace

TEST_F(TokenTest, GenuineTokensAreServedAndEveryAttackIs401InTheSameWords) {
    const Instance instance{config_with_file(issuer().jwks()), world_environment()};
    for (const auto* algorithm : {"RS256", "PS256", "ES256", "EdDSA", "HS256"}) {
        const auto answer = http_get(instance.port(), "/me", bearer(issuer().token(algorithm)));
        ASSERT_EQ(answer.status, 200u) << algorithm << ": " << answer.body;
        EXPECT_EQ(data_of(answer).at("sub"), "alice");
        EXPECT_EQ(data_of(answer).at("key_id"), nullptr);
        EXPECT_EQ(answer.header("X-RateLimit-Limit"), "10000") << "the claim's tier is pro";
    }

    const auto attacks = token_attacks(issuer());
    const std::string id = "X-Request-Id: same\r\n";
    const auto words = http_get(instance.port(), "/me", id + "X-API-Key: slk_wrong\r\n");
    ASSERT_EQ(words.status, 401u);
    std::size_t tried = 0;
    for (const auto& attack : attacks) {
        if (!fits_a_field(attack.token)) continue;
        ++tried;
        for (const auto* target : {"/me", "/open"}) {
            const auto answer = http_get(instance.port(), target, id + bearer(attack.token));
            EXPECT_EQ(answer.status, 401u) << attack.name << " on " << target << ": " << answer.body;
            EXPECT_EQ(answer.body, words.body) << attack.name;
            EXPECT_EQ(answer.header("WWW-Authenticate"), words.header("WWW-Authenticate")) << attack.name;
        }
    }
    EXPECT_GE(tried, 100u);

    const auto good = bearer(issuer().token("ES256"));
    const auto key = create_key("pro");
    for (const auto& doubled :
         {good + good, good + key.header(), key.header() + key.header(),
          "Authorization: Bearer " + issuer().token("ES256") + ", Bearer " + key.text + "\r\n",
          "X-API-Key: " + issuer().token("ES256") + "\r\n", std::string{"Authorization: Basic YTpi\r\n"},
          std::string{"Authorization: Bearer\r\n"}, std::string{"X-API-Key:\r\n"}}) {
        const auto answer = http_get(instance.port(), "/open", id + doubled);
        EXPECT_EQ(answer.status, 401u) << doubled;
        EXPECT_EQ(answer.body, words.body) << doubled;
    }
    EXPECT_TRUE(eventually([&] { return instance.log().find("credential_refused") != std::string::npos; }));
    EXPECT_THAT(instance.log(), HasSubstr("the signature is not right"));
    EXPECT_THAT(instance.log(), Not(HasSubstr("eyJ"))) << "a credential in the log";
    EXPECT_THAT(instance.log(), Not(HasSubstr(key.text)));
}

TEST_F(TokenTest, ClaimsDecideScopesAndTier) {
    const Instance instance{config_with_file(issuer().jwks()), world_environment()};
    EXPECT_EQ(status_of(instance, issuer().token("ES256"), "/reviews"), 200u);
    EXPECT_EQ(status_of(instance, issuer().token("ES256", {{"scope", "reviews:read"}}), "/reviews"), 403u);
    const auto limit_of = [&](const json& changes) {
        return http_get(instance.port(), "/me", bearer(issuer().token("ES256", changes))).header("X-RateLimit-Limit");
    };
    EXPECT_EQ(limit_of({{"tier", nullptr}}), "1000");
    EXPECT_EQ(limit_of({{"tier", "platinum"}}), "1000");
    EXPECT_EQ(limit_of({{"tier", "enterprise"}}), "100000");
}

TEST_F(TokenTest, ASubjectSharesNeitherLimitsNorCopiesWithAKeyOfThatName) {
    const Instance instance{config_with_file(issuer().jwks()), world_environment()};
    const auto key = create_key("pro");
    const auto as_key = http_get(instance.port(), "/mine", key.header());
    ASSERT_EQ(as_key.status, 200u) << as_key.body;
    EXPECT_EQ(data_of(as_key).at("key_id"), key.id);
    const auto token_of = [&](const char* department) {
        return bearer(issuer().token("ES256", {{"sub", key.id}, {"department", department}}));
    };
    const auto sales = token_of("sales");
    const auto as_subject = http_get(instance.port(), "/mine", sales);
    EXPECT_EQ(data_of(as_subject).at("key_id"), nullptr);
    EXPECT_EQ(data_of(as_subject).at("sub"), key.id);
    EXPECT_EQ(as_subject.header("X-RateLimit-Remaining"), "9999");
    EXPECT_EQ(http_get(instance.port(), "/mine", sales).header("Cache-Status").value_or("").substr(0, 11), "sluice; hit");
    EXPECT_EQ(data_of(http_get(instance.port(), "/mine", token_of("legal"))).at("department"), "legal")
        << "the SQL reads the claims, so another token has another answer";
}

TEST_F(TokenTest, AChangedKeyFileReplacesTheSet) {
    const Instance instance{config_with_file(issuer().jwks()), world_environment()};
    const auto old_token = issuer().token("RS256");
    ASSERT_EQ(status_of(instance, old_token), 200u);
    ASSERT_EQ(status_of(instance, new_token()), 401u);
    directory_.write("keys.json", new_jwks());
    EXPECT_TRUE(eventually([&] { return status_of(instance, new_token()) == 200; }));
    EXPECT_EQ(status_of(instance, old_token), 401u) << "its key is gone, also for a token that was remembered";

    directory_.write("keys.json", "{ half a set");
    EXPECT_TRUE(eventually([&] { return health_of(instance).at("degraded") == json::array({"jwks"}); }));
    EXPECT_EQ(status_of(instance, new_token()), 200u) << "the last good set is kept";
    directory_.write("keys.json", issuer().jwks());
    EXPECT_TRUE(eventually([&] { return status_of(instance, old_token) == 200; }));
    EXPECT_TRUE(eventually([&] { return health_of(instance).at("dependencies").at("jwks") == "ok"; }));
}

TEST_F(TokenTest, KeysComeFromAnAddressAndFollowItsRotation) {
    KeyServer keys;
    const Instance instance{config("jwks_url: " + keys.url()), world_environment()};
    const auto old_token = issuer().token("RS256");
    EXPECT_EQ(status_of(instance, old_token), 503u) << "nobody can tell without keys";
    EXPECT_EQ(http_get(instance.port(), "/me", bearer(old_token)).header("Retry-After"), "5");
    EXPECT_EQ(status_of(instance, "rubbish"), 401u);
    EXPECT_EQ(http_get(instance.port(), "/me", create_key("pro").header()).status, 200u) << "keys need nobody";
    EXPECT_EQ(http_get(instance.admin_port(), "/health/ready").status, 200u);
    EXPECT_EQ(health_of(instance).at("status"), "degraded");

    keys.serve(issuer().jwks());
    EXPECT_TRUE(eventually([&] { return status_of(instance, old_token) == 200; }));
    EXPECT_EQ(status_of(instance, issuer().token("HS256")), 401u) << "a secret that was published is none";
    keys.serve(new_jwks());
    EXPECT_TRUE(eventually([&] { return status_of(instance, new_token()) == 200; }));
    EXPECT_EQ(status_of(instance, old_token), 401u);

    keys.serve("");
    EXPECT_TRUE(eventually([&] { return health_of(instance).at("degraded") == json::array({"jwks"}); }));
    EXPECT_EQ(status_of(instance, new_token()), 200u);
    EXPECT_THAT(http_get(instance.admin_port(), "/metrics").body, HasSubstr(R"(sluice_breaker_state{dependency="jwks"})"));
    instance.signal(SIGTERM);
    EXPECT_TRUE(eventually([&] { return instance.log().find("\"stopped\"") != std::string::npos; }));
}

TEST_F(TokenTest, ABadKeyFileRefusesToStartInOneLine) {
    const auto start = [&](const std::filesystem::path& file) {
        return run_command({sluice_program(), "serve", "--config", file.string()}, world_environment());
    };
    const auto bad = config_with_file(json{{"keys", {issuer().weak.jwk()}}}.dump());
    const auto refused = start(bad);
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_EQ(refused.err, bad.string() + ":13:16: 'jwks_file' " + (directory_.path() / "keys.json").string() +
                               ": no key of it is of use (key 1: RSA with 1024 bits is too weak: 2048 are the least)\n");
    const auto missing = start(config("jwks_file: none.json"));
    EXPECT_EQ(missing.exit_code, 1);
    EXPECT_THAT(missing.err, HasSubstr("none.json: it cannot be read: No such file or directory"));
}

TEST_F(TokenTest, TheCommandLineSaysWhatATokenSays) {
    const auto file = config_with_file(issuer().jwks()).string();
    const auto verify = [&](std::vector<std::string> arguments) {
        std::vector<std::string> command{sluice_program(), "token", "verify"};
        command.insert(command.end(), arguments.begin(), arguments.end());
        return run_command(command, world_environment());
    };
    const auto good = issuer().token("RS256");
    const auto printed = verify({"--config", file, good});
    EXPECT_EQ(printed.exit_code, 0) << printed.err;
    EXPECT_EQ(json::parse(printed.out), json::parse(issuer().claims()));
    const auto as_json = verify({"--config", file, "--json", good});
    EXPECT_EQ(json::parse(as_json.out).at("tier"), "pro");
    EXPECT_EQ(json::parse(as_json.out).at("scopes"), json::array({"reviews:read", "reviews:write"}));
    const auto expired = verify({"--config", file, "--json", issuer().token("RS256", {{"exp", 1}})});
    EXPECT_EQ(expired.exit_code, 1);
    EXPECT_EQ(json::parse(expired.err).at("error"), "sluice: the token is refused: it has expired ('exp')");
    EXPECT_EQ(json::parse(expired.out).at("valid"), false);

    const auto jwk = directory_.write("jwk.json", issuer().rsa.jwk().dump()).string();
    const auto foreign = issuer().token("RS256", {{"iss", "https://elsewhere.example"}});
    EXPECT_EQ(verify({"--jwk", jwk, foreign}).exit_code, 0);
    EXPECT_EQ(verify({"--jwk", jwk, "--config", file, foreign}).exit_code, 1) << "with a configuration, its issuer counts";
    EXPECT_EQ(verify({good}).err, "sluice: --config or --jwk is needed: a token by itself proves nothing\n");
    const auto piped =
        run_command({"sh", "-c", "echo " + good + " | " + sluice_program() + " token verify --jwk " + jwk + " -"});
    EXPECT_EQ(piped.exit_code, 0) << piped.err;
}

TEST_F(TokenTest, TheCommandLineSaysWhatAKeySays) {
    const auto verify = [&](const std::string& key) {
        return run_command({sluice_program(), "keys", "verify", "--config", world_config().string(), "--json", key},
                           world_environment());
    };
    const auto key = create_key("pro", {"reviews:write"});
    const auto good = verify(key.text);
    EXPECT_EQ(good.exit_code, 0) << good.err;
    EXPECT_EQ(json::parse(good.out).at("id"), key.id);
    EXPECT_EQ(json::parse(good.out).at("scopes"), json::array({"reviews:write"}));
    auto changed = key.text;
    changed.back() = changed.back() == 'a' ? 'b' : 'a';
    EXPECT_EQ(verify(changed).exit_code, 1);
    const auto none = verify("slk_");
    EXPECT_EQ(none.exit_code, 1);
    EXPECT_EQ(json::parse(none.err).at("error"), "sluice: the key is refused: it is no key");
}

}  // namespace sluice::test

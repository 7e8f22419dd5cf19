#include "middleware/auth.hpp"
#include "middleware/correlate.hpp"
#include "middleware/error_boundary.hpp"
#include "middleware/observe.hpp"
#include "middleware/rate_limit.hpp"
#include "middleware/request_identity.hpp"
#include "sluice/handler.hpp"
#include "sluice/problem.hpp"
#include "support/exchange_fixture.hpp"
#include "support/run.hpp"
#include "support/signing_key.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sluice::middleware {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class MiddlewareTest : public ::testing::Test {
protected:
    MiddlewareTest() {
        route_.pattern = "/v1/x";
        exchange_.route = &route_;
        exchange_.request.remote_address = "192.0.2.1";
        exchange_.client_address = "192.0.2.1";
        exchange_.request_id = "r1";
        exchange_.received = Clock::now();
    }

    void headers(std::vector<HeaderField> fields) { exchange_.request.headers = std::move(fields); }

    /// Runs the step: 0 if it lets the request pass, else the status it answers.
    unsigned status_of(Middleware& step, Identity identity = {}) {
        exchange_.identity = std::move(identity);
        exchange_.refusal.reset();
        auto result = step.before(exchange_);
        if (exchange_.refusal) {
            response_ = *exchange_.refusal;
            return response_.status;
        }
        if (auto* wait = std::get_if<awaitable<std::optional<Response>>>(&result)) {
            auto answer = test::run(loop_, std::move(*wait));
            if (!answer) return 0;
            response_ = std::move(*answer);
            return response_.status;
        }
        if (auto* answer = std::get_if<Response>(&result)) {
            response_ = std::move(*answer);
            return response_.status;
        }
        return 0;
    }

    boost::asio::io_context loop_{1};
    test::NoBody body_;
    Route route_;
    Exchange exchange_{loop_.get_executor(), body_};
    Response response_;
    telemetry::Metrics metrics_;
    std::map<std::string, Tier> tiers_ = Settings::default_tiers();
    LimitedClients clients_;
    std::vector<Route> routes_;
};

class AuthTest : public MiddlewareTest {
protected:
    std::string key(std::string tier, std::vector<std::string> scopes = {}, std::int64_t expires = 0) {
        id_ = auth::generate_key_id();
        return codec_.issue({id_, std::move(tier), expires, std::move(scopes)});
    }

    const auth::KeyCodec codec_{{"a secret of more than 16 bytes"}};
    auth::KeyExceptions exceptions_;
    Auth step_{codec_, exceptions_, tiers_, clients_, {}, [] { return std::chrono::system_clock::time_point{1000s}; }};
    std::string id_;
};

/// With tokens of HS256, for what the step makes of them; which tokens are right is the verifier's tests' business.
class TokenAuthTest : public AuthTest {
protected:
    TokenAuthTest() { verifier_.replace(std::move(*auth::KeySet::parse(secret_.jwk().dump(), auth::KeySetOrigin::local))); }
    std::string bearer(const nlohmann::json& changes = nlohmann::json::object(), const char* header = R"({"alg":"HS256"})") {
        nlohmann::json claims{{"iss", "i"}, {"aud", "a"}, {"sub", "alice"}, {"exp", 2000}};
        claims.merge_patch(changes);
        return "Bearer " + secret_.token("HS256", header, claims.dump());
    }
    unsigned status_for(const std::string& authorization) {
        headers({{"Authorization", authorization}});
        return status_of(with_tokens_);
    }

    static auth::JwtRules rules() {
        auth::JwtRules made;
        made.issuer = "i";
        made.audiences = {"a"};
        return made;
    }

    const test::SigningKey secret_ = test::SigningKey::secret("a shared secret of 32 bytes or more");
    auth::TokenVerifier verifier_{rules()};
    int missing_ = 0;
    Auth with_tokens_{codec_, exceptions_, tiers_, clients_, {Auth::Tokens{verifier_, "free", [this] { ++missing_; }}}, [] {
                          return std::chrono::system_clock::time_point{1000s};
                      }};
};

/// A store that answers what it is told.
class FakeLimiter final : public RateLimiter {
public:
    awaitable<RateDecision> acquire(RateRequest request, Deadline) override {
        last_key = request.key;
        last_limits.assign(request.limits.begin(), request.limits.end());
        last_cost = request.cost;
        co_return decision;
    }
    RateDecision decision;
    std::string last_key;
    void admitted_elsewhere(const RateRequest& request) override { owed += request.cost; }
    std::vector<RateLimit> last_limits;
    std::uint64_t last_cost = 0;
    std::uint64_t owed = 0;
};

}  // namespace

TEST_F(AuthTest, AKeyInEitherHeaderIdentifies) {
    const auto pro = key("pro", {"reviews:write"});
    headers({{"x-api-key", pro}});
    EXPECT_EQ(status_of(step_), 0u);
    EXPECT_EQ(exchange_.identity.kind, Identity::Kind::api_key);
    EXPECT_EQ(exchange_.identity.tier, "pro");
    EXPECT_EQ(exchange_.identity.id, id_);
    const auto bearer = "bearer " + pro;
    headers({{"Authorization", bearer}});
    EXPECT_EQ(status_of(step_), 0u);
    EXPECT_EQ(exchange_.identity.tier, "pro");
}

TEST_F(AuthTest, NoCredentialIsAnonymousUnlessOneIsRequired) {
    EXPECT_EQ(status_of(step_), 0u);
    EXPECT_EQ(exchange_.identity.kind, Identity::Kind::anonymous);
    route_.options.auth = AuthMode::required;
    EXPECT_EQ(status_of(step_), 401u);
    EXPECT_EQ(response_.headers.find("WWW-Authenticate"), R"(Bearer realm="sluice")");
}

TEST_F(AuthTest, AWrongCredentialIs401OnEveryRouteInTheSameWords) {
    const auto good = key("pro");
    const auto expired = key("pro", {}, 999);
    const auto forged = auth::KeyCodec{{"another secret, long enough"}}.issue({auth::generate_key_id(), "pro", 0, {}});
    auto changed = good;
    changed.back() = changed.back() == 'a' ? 'b' : 'a';
    const auto both = "Bearer " + good;
    const auto basic = std::string{"Basic dXNlcjpwYXNz"};
    const std::vector<std::vector<HeaderField>> wrong{
        {{"X-API-Key", ""}},
        {{"X-API-Key", "slk_x"}},
        {{"X-API-Key", expired}},
        {{"X-API-Key", forged}},
        {{"X-API-Key", changed}},
        {{"X-API-Key", good}, {"X-API-Key", good}},
        {{"X-API-Key", good}, {"Authorization", both}},
        {{"Authorization", basic}},
        {{"Authorization", good}},
        {{"Authorization", "Bearer "}},
        {{"Authorization", "Bearer eyJhbGciOiJub25lIn0.e30."}},
    };
    for (const auto mode : {AuthMode::none, AuthMode::optional, AuthMode::required}) {
        route_.options.auth = mode;
        std::string words;
        for (const auto& fields : wrong) {
            headers(fields);
            EXPECT_EQ(status_of(step_), 401u) << fields.front().value;
            EXPECT_TRUE(words.empty() || words == response_.body) << response_.body;
            words = response_.body;
        }
    }
}

TEST_F(AuthTest, ARevokedKeyIsRefusedAndAnOverrideMovesTheTier) {
    const auto pro = key("pro");
    headers({{"X-API-Key", pro}});
    exceptions_.apply(id_, {std::nullopt, "enterprise"});
    EXPECT_EQ(status_of(step_), 0u);
    EXPECT_EQ(exchange_.identity.tier, "enterprise");
    exceptions_.apply(id_, {std::chrono::sys_seconds{}, std::nullopt});
    EXPECT_EQ(status_of(step_), 401u);
}

TEST_F(AuthTest, AMissingScopeIs403) {
    route_.options.scopes = {"reviews:write", "reviews:read"};
    const auto some = key("pro", {"reviews:read"});
    headers({{"X-API-Key", some}});
    EXPECT_EQ(status_of(step_), 403u);
    EXPECT_THAT(std::string{*response_.headers.find("WWW-Authenticate")}, HasSubstr("insufficient_scope"));
    const auto all = key("pro", {"reviews:read", "reviews:write"});
    headers({{"X-API-Key", all}});
    EXPECT_EQ(status_of(step_), 0u);
}

TEST_F(AuthTest, ATierThatIsNotConfiguredIs403) {
    const auto odd = key("platinum");
    headers({{"X-API-Key", odd}});
    EXPECT_EQ(status_of(step_), 403u);
}

TEST_F(TokenAuthTest, ATokenIdentifiesBySubjectTierAndScopes) {
    ASSERT_EQ(status_for(bearer({{"tier", "pro"}, {"scope", "reviews:write x"}})), 0u);
    const auto& identity = exchange_.identity;
    EXPECT_EQ(identity.kind, Identity::Kind::token);
    EXPECT_EQ(identity.id, "alice");
    EXPECT_EQ(identity.issuer, "i");
    EXPECT_EQ(identity.tier, "pro");
    EXPECT_TRUE(identity.has_scope("reviews:write"));
    EXPECT_EQ(nlohmann::json::parse(identity.claims).at("sub"), "alice");
}

TEST_F(TokenAuthTest, ATierThatIsNoneOfOursIsTheDefaultTier) {
    for (const auto& tier : std::vector<nlohmann::json>{"platinum", 7, nullptr, ""}) {
        ASSERT_EQ(status_for(bearer({{"tier", tier}})), 0u) << tier;
        EXPECT_EQ(exchange_.identity.tier, "free");
    }
}

TEST_F(TokenAuthTest, AMissingScopeIs403) {
    route_.options.scopes = {"reviews:write"};
    EXPECT_EQ(status_for(bearer({{"scope", "reviews:read"}})), 403u);
    EXPECT_EQ(status_for(bearer({{"scope", nlohmann::json::array({"reviews:write"})}})), 0u);
}

TEST_F(TokenAuthTest, KeysGoOnAndWrongCredentialsAreToldApartByNoWord) {
    const auto pro = key("pro");
    EXPECT_EQ(status_for("Bearer " + pro), 0u);
    EXPECT_EQ(exchange_.identity.kind, Identity::Kind::api_key);
    const auto token = bearer().substr(7);
    const auto expired = bearer({{"exp", 1}});
    const auto both = bearer();
    const std::vector<std::vector<HeaderField>> wrong{
        {{"Authorization", expired}},
        {{"Authorization", "Bearer x.y.z"}},
        {{"Authorization", "Bearer slk_x"}},
        {{"Authorization", both}, {"Authorization", both}},
        {{"Authorization", both}, {"X-API-Key", pro}},
        {{"X-API-Key", token}},
        {{"Authorization", "Basic YTpi"}},
    };
    std::string words;
    for (const auto& fields : wrong) {
        headers(fields);
        EXPECT_EQ(status_of(with_tokens_), 401u) << fields.front().value;
        EXPECT_TRUE(words.empty() || words == response_.body) << response_.body;
        words = response_.body;
        EXPECT_EQ(response_.headers.find("WWW-Authenticate"), R"(Bearer realm="sluice", error="invalid_token")");
    }
}

TEST_F(TokenAuthTest, AnUnknownKeyIsAskedForAndOtherMistakesAreNot) {
    EXPECT_EQ(status_for(bearer({{"exp", 1}})), 401u);
    EXPECT_EQ(missing_, 0);
    EXPECT_EQ(status_for(bearer({}, R"({"alg":"RS256"})")), 401u);
    EXPECT_EQ(missing_, 1);
}

TEST_F(TokenAuthTest, OfSeveralIssuersTheOneThatATokenNamesVouchesForIt) {
    const auto secret = test::SigningKey::secret("another secret of 32 bytes or more");
    auto other_rules = rules();
    other_rules.issuer = "j";
    other_rules.tier_claim = "plan";
    auth::TokenVerifier other{other_rules};
    other.replace(std::move(*auth::KeySet::parse(secret.jwk().dump(), auth::KeySetOrigin::local)));
    int other_missing = 0;
    Auth step{
        codec_,
        exceptions_,
        tiers_,
        clients_,
        {Auth::Tokens{verifier_, "free", [this] { ++missing_; }}, Auth::Tokens{other, "pro", [&] { ++other_missing; }}},
        [] { return std::chrono::system_clock::time_point{1000s}; }};
    const auto status_with = [&](const std::string& authorization) {
        headers({{"Authorization", authorization}});
        exchange_.identity = {};
        return status_of(step);
    };
    const auto of_other = [&](const char* header, const nlohmann::json& changes) {
        nlohmann::json claims{{"iss", "j"}, {"aud", "a"}, {"sub", "bob"}, {"exp", 2000}};
        claims.merge_patch(changes);
        return "Bearer " + secret.token("HS256", header, claims.dump());
    };
    constexpr auto* plain = R"({"alg":"HS256"})";
    EXPECT_EQ(status_with(bearer()), 0u);
    EXPECT_EQ(exchange_.identity.tier, "free");
    EXPECT_EQ(status_with(of_other(plain, nlohmann::json::object())), 0u);
    EXPECT_EQ(exchange_.identity.issuer, "j");
    EXPECT_EQ(exchange_.identity.tier, "pro") << "each issuer has a default tier of its own";
    EXPECT_EQ(status_with(of_other(plain, {{"plan", "enterprise"}})), 0u);
    EXPECT_EQ(exchange_.identity.tier, "enterprise");
    // Nobody signs for another one, whatever the token says.
    EXPECT_EQ(status_with(bearer({{"iss", "j"}})), 401u);
    EXPECT_EQ(status_with(of_other(plain, {{"iss", "i"}})), 401u);
    for (const auto& issuer : std::vector<nlohmann::json>{"k", "", nullptr, 1, {"i", "j"}}) {
        EXPECT_EQ(status_with(bearer({{"iss", issuer}})), 401u) << issuer;
    }
    EXPECT_EQ(status_with("Bearer a.b.c"), 401u);
    EXPECT_EQ(missing_ + other_missing, 0);
    EXPECT_EQ(status_with(of_other(R"({"alg":"RS256"})", nlohmann::json::object())), 401u);
    EXPECT_EQ(other_missing, 1) << "the keys of the issuer that is named are looked for";
    EXPECT_EQ(missing_, 0);
}

TEST_F(TokenAuthTest, BeforeThereAreKeysATokenIs503AndRubbish401) {
    auth::TokenVerifier none{rules()};
    Auth step{codec_, exceptions_, tiers_, clients_, {Auth::Tokens{none, "free", {}}}, [] {
                  return std::chrono::system_clock::time_point{1000s};
              }};
    const auto token = bearer();
    headers({{"Authorization", token}});
    EXPECT_EQ(status_of(step), 503u);
    EXPECT_EQ(response_.headers.find("Retry-After"), "5");
    headers({{"Authorization", "Bearer rubbish"}});
    EXPECT_EQ(status_of(step), 401u);
}

TEST_F(TokenAuthTest, LimitsOfAKeyASubjectAndAnAddressAreApart) {
    FakeLimiter shared;
    memory::RateLimiter local;
    RateLimitStep step{{&shared, local}, tiers_, clients_, routes_, metrics_};
    const auto limited_as = [&](Identity identity) {
        exchange_.identity = std::move(identity);
        auto result = step.before(exchange_);
        test::run(loop_, std::move(std::get<awaitable<std::optional<Response>>>(result)));
        return shared.last_key;
    };
    Identity as_key{Identity::Kind::api_key, "alice", "free", {}, "", ""};
    Identity as_token{Identity::Kind::token, "alice", "free", {}, "i", ""};
    EXPECT_EQ(limited_as(as_key), "key:alice");
    EXPECT_EQ(limited_as(as_token), "token:1:i:alice");
    as_token.issuer = "i:a";
    as_token.id = "lice";
    EXPECT_EQ(limited_as(as_token), "token:3:i:a:lice") << "not the same as issuer i with subject a:lice";
}

TEST_F(MiddlewareTest, WhoIsExemptIsNotCountedAndNoAnswerSpeaksOfLimits) {
    FakeLimiter shared;
    shared.decision.verdict = RateDecision::Verdict::rejected;
    memory::RateLimiter local;
    tiers_["anonymous"].limits = {{1, 60s}};
    tiers_["internal"].limits = {};
    const LimitedClients clients{{.addresses = {{"10.0.0.0/8", std::nullopt}}, .exempt_keys = {"abc"}}};
    RateLimitStep step{{&shared, local}, tiers_, clients, routes_, metrics_};
    const Identity anonymous;
    const auto key = [](std::string id, std::string tier) {
        return Identity{Identity::Kind::api_key, std::move(id), std::move(tier), {}, "", ""};
    };
    struct Case {
        Identity identity;
        std::string address;
        bool counted;
    };
    for (const auto& c : std::vector<Case>{{anonymous, "192.0.2.1", true},
                                           {anonymous, "10.1.1.1", false},
                                           {key("abc", "free"), "192.0.2.1", false},
                                           {key("abd", "free"), "192.0.2.1", true},
                                           {key("abd", "free"), "10.1.1.1", false},
                                           {key("abd", "internal"), "192.0.2.1", false}}) {
        exchange_.client_address = c.address;
        exchange_.applied_limit.reset();
        EXPECT_EQ(status_of(step, c.identity), c.counted ? 429u : 0u) << c.identity.id << c.address;
        Response response;
        step.after(exchange_, response);
        EXPECT_EQ(response.headers.find("RateLimit").has_value(), c.counted);
    }
    // What the step before has refused is answered all the same.
    exchange_.identity = anonymous;
    exchange_.client_address = "10.1.1.1";
    exchange_.refusal = Response::empty(401);
    auto result = step.before(exchange_);
    EXPECT_EQ(std::get<Response>(result).status, 401u);
    exchange_.refusal.reset();
}

TEST_F(AuthTest, AListedAddressGivesItsTierToWhoHasNoCredential) {
    const LimitedClients clients{{.addresses = {{"203.0.113.0/24", "pro"}}, .exempt_keys = {}}};
    const Auth::WallClock clock = [] { return std::chrono::system_clock::time_point{1000s}; };
    Auth step{codec_, exceptions_, tiers_, clients, {}, clock};
    const auto tier_of = [&](const std::string& address, const std::optional<std::string>& credential) {
        exchange_.identity = {};
        exchange_.client_address = address;
        headers(credential ? std::vector<HeaderField>{{"X-API-Key", *credential}} : std::vector<HeaderField>{});
        status_of(step);
        return exchange_.identity.tier;
    };
    EXPECT_EQ(tier_of("203.0.113.9", std::nullopt), "pro");
    EXPECT_EQ(tier_of("203.0.114.9", std::nullopt), "anonymous");
    EXPECT_EQ(tier_of("203.0.113.9", key("free")), "free") << "a key has its own";
    EXPECT_EQ(tier_of("203.0.113.9", "slk_wrong"), "pro") << "counted by the address it came from";
}

TEST_F(MiddlewareTest, TheLimitIsTheTiersAndTheHeadersSayIt) {
    FakeLimiter shared;
    memory::RateLimiter local;
    RateLimitStep step{{&shared, local}, tiers_, clients_, routes_, metrics_};
    shared.decision = {RateDecision::Verdict::admitted, 0, 99, 30'500ms, 0ms};
    EXPECT_EQ(status_of(step), 0u);
    EXPECT_EQ(shared.last_key, "ip:192.0.2.1");
    EXPECT_EQ(shared.last_limits.at(0).requests, 100u);
    Response response;
    step.after(exchange_, response);
    EXPECT_EQ(response.headers.find("X-RateLimit-Limit"), "100");
    EXPECT_EQ(response.headers.find("X-RateLimit-Remaining"), "99");
    EXPECT_EQ(response.headers.find("RateLimit-Policy"), R"("anonymous";q=100;w=60)");
    EXPECT_EQ(response.headers.find("RateLimit"), R"("anonymous";r=99;t=31)");
    EXPECT_TRUE(response.headers.find("X-RateLimit-Reset"));
}

TEST_F(MiddlewareTest, OverTheLimitIs429WithRetryAfter) {
    FakeLimiter shared;
    memory::RateLimiter local;
    RateLimitStep step{{&shared, local}, tiers_, clients_, routes_, metrics_};
    shared.decision = {RateDecision::Verdict::rejected, 0, 0, 50s, 1'200ms};
    EXPECT_EQ(status_of(step), 429u);
    EXPECT_EQ(response_.headers.find("Retry-After"), "2");
    step.after(exchange_, response_);
    EXPECT_EQ(response_.headers.find("RateLimit"), R"("anonymous";r=0;t=2)");
}

TEST_F(MiddlewareTest, WithoutRedisTheLimitIsKeptHere) {
    FakeLimiter shared;  // unavailable
    memory::RateLimiter local;
    tiers_["anonymous"].limits = {{2, 60s}};
    RateLimitStep step{{&shared, local}, tiers_, clients_, routes_, metrics_};
    EXPECT_EQ(status_of(step), 0u);
    EXPECT_EQ(status_of(step), 0u);
    EXPECT_EQ(status_of(step), 429u);
    EXPECT_THAT(metrics_.render(), HasSubstr(R"(sluice_ratelimit_decisions_total{decision="local",tier="anonymous"} 3)"));
    EXPECT_THAT(metrics_.render(),
                HasSubstr(R"(sluice_ratelimit_decisions_total{decision="unavailable",tier="anonymous"} 3)"));
}

TEST_F(AuthTest, FailedAttemptsCountAgainstTheAddress) {
    memory::RateLimiter local;
    tiers_["anonymous"].limits = {{2, 60s}};
    RateLimitStep limit{{nullptr, local}, tiers_, clients_, routes_, metrics_};
    const auto attempt = [&] {
        EXPECT_EQ(status_of(step_), 401u);
        EXPECT_EQ(exchange_.identity.kind, Identity::Kind::anonymous);
        auto step = limit.before(exchange_);
        return std::get<Response>(step).status;
    };
    headers({{"X-API-Key", "slk_guess"}});
    EXPECT_EQ(attempt(), 401u);
    headers({{"Authorization", "Bearer slk_other"}});
    EXPECT_EQ(attempt(), 401u);
    EXPECT_EQ(attempt(), 429u) << "whatever the next guess is";
    const auto pro = key("pro");
    headers({{"X-API-Key", pro}});
    EXPECT_EQ(status_of(step_), 0u);
    EXPECT_TRUE(std::holds_alternative<Proceed>(limit.before(exchange_))) << "who has a key is not locked out";
}

TEST_F(MiddlewareTest, WithoutRedisEachInstanceKeepsItsShareAndOwesIt) {
    FakeLimiter shared;  // unavailable
    memory::RateLimiter local;
    RateLimitStep step{{&shared, local, [] { return 30U; }}, tiers_, clients_, routes_, metrics_};
    for (int i = 0; i < 3; ++i) EXPECT_EQ(status_of(step), 0u);
    EXPECT_EQ(status_of(step), 429u);
    EXPECT_EQ(shared.owed, 3U);
}

TEST_F(MiddlewareTest, WithoutRedisATierMayBeOpenOrClosed) {
    FakeLimiter shared;  // unavailable
    memory::RateLimiter local;
    tiers_["anonymous"] = {{{1, 60s}}, OnRedisFailure::open};
    RateLimitStep open{{&shared, local}, tiers_, clients_, routes_, metrics_};
    for (int i = 0; i < 5; ++i) EXPECT_EQ(status_of(open), 0u);
    EXPECT_EQ(shared.owed, 0U);
    tiers_["anonymous"].on_redis_failure = OnRedisFailure::closed;
    RateLimitStep closed{{&shared, local}, tiers_, clients_, routes_, metrics_};
    EXPECT_EQ(status_of(closed), 503u);
    EXPECT_EQ(response_.headers.find("Retry-After"), "1");
}

TEST_F(MiddlewareTest, ARoutesOwnLimitsComeOnTopAndTheTightestIsShown) {
    route_.options.limits = {{5, 1s}};
    route_.options.cost = 2;
    routes_ = {route_};
    FakeLimiter shared;
    memory::RateLimiter local;
    RateLimitStep step{{&shared, local}, tiers_, clients_, routes_, metrics_};
    shared.decision = {RateDecision::Verdict::admitted, 1, 3, 900ms, 0ms};
    EXPECT_EQ(status_of(step), 0u);
    ASSERT_EQ(shared.last_limits.size(), 2U);
    EXPECT_EQ(shared.last_limits[0].requests, 100U);
    EXPECT_EQ(shared.last_limits[1].requests, 5U);
    EXPECT_EQ(shared.last_limits[1].scope, "GET /v1/x");
    EXPECT_EQ(shared.last_cost, 2U);
    Response response;
    step.after(exchange_, response);
    EXPECT_EQ(response.headers.find("RateLimit-Policy"), R"("route";q=5;w=1)");
    EXPECT_EQ(response.headers.find("RateLimit"), R"("route";r=3;t=1)");
}

TEST_F(MiddlewareTest, ARouteMayBeUnlimited) {
    memory::RateLimiter local;
    tiers_["anonymous"].limits = {{0, 60s}};
    RateLimitStep step{{nullptr, local}, tiers_, clients_, routes_, metrics_};
    EXPECT_EQ(status_of(step), 429u);
    route_.options.rate_limited = false;
    exchange_.applied_limit.reset();
    EXPECT_EQ(status_of(step), 0u);
}

TEST_F(MiddlewareTest, CorrelateNamesTheRequestAndItsClient) {
    Correlate correlate{{"192.0.2.0/24"}};
    headers({{"X-Request-Id", "abc-1.2_3"}, {"X-Forwarded-For", "203.0.113.9, 192.0.2.7"}});
    EXPECT_EQ(status_of(correlate), 0u);
    EXPECT_EQ(exchange_.request_id, "abc-1.2_3");
    EXPECT_EQ(exchange_.client_address, "203.0.113.9");
    Response response;
    correlate.after(exchange_, response);
    EXPECT_EQ(response.headers.find("X-Request-Id"), "abc-1.2_3");
}

TEST_F(MiddlewareTest, AnOddRequestIdIsReplaced) {
    Correlate correlate{{}};
    for (const auto* bad : {"", "a b", "a\"b", "<script>", "é"}) {
        headers({{"X-Request-Id", bad}});
        status_of(correlate);
        EXPECT_EQ(exchange_.request_id.size(), 32u) << bad;
    }
}

TEST_F(MiddlewareTest, ObserveCountsTheAnswers) {
    Observe observe{metrics_, AccessLog::off, 1};
    EXPECT_EQ(status_of(observe), 0u);
    EXPECT_THAT(metrics_.render(), HasSubstr("sluice_http_in_flight 1"));
    for (int i = 0; i < 3; ++i) {
        Response response;
        response.status = i < 2 ? 200 : 404;
        observe.after(exchange_, response);
    }
    const auto text = metrics_.render();
    EXPECT_THAT(text, HasSubstr(R"(sluice_http_requests_total{code="200",method="GET",route="/v1/x"} 2)"));
    EXPECT_THAT(text, HasSubstr(R"(sluice_http_requests_total{code="404",method="GET",route="/v1/x"} 1)"));
}

TEST_F(MiddlewareTest, ExceptionsBecomeProblemsThatTellNothing) {
    ErrorBoundary boundary;
    const auto problem = boundary.recover(exchange_, std::make_exception_ptr(ProblemError{Problem::of(413, "Too large.")}));
    ASSERT_TRUE(problem);
    EXPECT_EQ(problem->status, 413u);
    const auto secret = boundary.recover(exchange_, std::make_exception_ptr(std::runtime_error{"password=hunter2"}));
    ASSERT_TRUE(secret);
    EXPECT_EQ(secret->status, 500u);
    EXPECT_EQ(secret->body.find("hunter2"), std::string::npos);
    EXPECT_EQ(boundary.recover(exchange_, std::make_exception_ptr(42))->status, 500u);
}

TEST(Traceparent, FollowsTheRecommendation) {
    EXPECT_TRUE(is_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    EXPECT_TRUE(is_traceparent("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later"));
    for (const auto* bad : {"", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
                            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"}) {
        EXPECT_FALSE(is_traceparent(bad)) << bad;
    }
    EXPECT_EQ(trace_id("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), "0af7651916cd43dd8448eb211c80319c");
}

TEST(RequestId, IsUnique) {
    std::string one;
    std::string other;
    make_request_id(one);
    make_request_id(other);
    EXPECT_NE(one, other);
    EXPECT_EQ(one.size(), 32u);
}

}  // namespace sluice::middleware

// CORS as a browser meets it: through the router and the steps that serve the public API.
#include "middleware/cors.hpp"

#include "app/request_steps.hpp"
#include "http/pipeline.hpp"
#include "sluice/problem.hpp"
#include "support/exchange_fixture.hpp"
#include "support/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::middleware {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* app = "https://app.example.com";
constexpr const char* other = "https://other.example";

awaitable<Response> hello(Exchange&) { co_return Response::text(200, "hello"); }
awaitable<Response> unchanged(Exchange&) { co_return Response::empty(304); }
awaitable<Response> broken(Exchange&) { throw std::runtime_error{"out of order"}; }
awaitable<Response> unavailable(Exchange&) {
    auto problem = Problem::of(503, "Later.");
    problem.retry_after = 1s;
    throw ProblemError{std::move(problem)};
}
awaitable<Response> personal(Exchange&) {
    Response response = Response::text(200, "yours");
    response.headers.add("Vary", "Authorization, X-API-Key");
    co_return response;
}
awaitable<Response> for_everybody(Exchange&) {
    Response response = Response::text(200, "open");
    response.headers.add("Access-Control-Allow-Origin", "*");
    co_return response;
}

class CorsTest : public testing::Test {
protected:
    /// Behind the steps that the server has.
    void build(std::optional<CorsSettings> cors) {
        std::vector<Route> routes;
        const auto add = [&](Method method, std::string pattern, Handler handler, AuthMode mode = AuthMode::optional) {
            Route route;
            route.method = method;
            route.pattern = std::move(pattern);
            route.handler = std::move(handler);
            route.options.auth = mode;
            routes.push_back(std::move(route));
        };
        add(Method::get, "/things/{id}", hello);
        add(Method::put, "/things/{name}", hello);
        add(Method::get, "/secret", hello, AuthMode::required);
        add(Method::get, "/personal", personal);
        add(Method::get, "/unchanged", unchanged);
        add(Method::get, "/broken", broken);
        add(Method::get, "/unavailable", unavailable);
        add(Method::get, "/open", for_everybody);
        add(Method::get, "/own-options", hello);
        add(Method::options, "/own-options", hello);
        http::Router router{std::move(routes)};
        settings_.server.cors = cors;
        settings_.log.access = AccessLog::off;
        const RateLimitStep::Stores limits{nullptr, limiter_};
        auto steps =
            app::request_steps({settings_, metrics_, codec_, exceptions_, clients_, {}, limits}, router.routes(), {});
        pipeline_.emplace(std::move(router), std::move(steps), 5s);
    }
    void build_for_app() {
        CorsSettings cors;
        cors.origins = {app, "https://*.example.org"};
        build(cors);
    }

    Response ask(Method method, std::string_view path, std::vector<HeaderField> fields = {}) {
        Exchange exchange{loop_.get_executor(), body_};
        exchange.request.method = method;
        exchange.request.raw_path = path;
        exchange.request.target = path;
        exchange.request.headers = std::move(fields);
        exchange.request.remote_address = "192.0.2.1";
        exchange.received = Clock::now();
        http::Pipeline::Way way;
        if (auto answer = pipeline_->begin(exchange, way)) return std::move(*answer);
        return test::run(loop_, pipeline_->finish(exchange, way));
    }
    Response get(std::string_view path, const char* origin) { return ask(Method::get, path, {{"Origin", origin}}); }
    Response preflight(std::string_view path, const char* origin, const char* method = "PUT") {
        return ask(Method::options, path,
                   {{"Origin", origin},
                    {"Access-Control-Request-Method", method},
                    {"Access-Control-Request-Headers", "content-type,x-api-key"}});
    }

    boost::asio::io_context loop_{1};
    test::NoBody body_;
    telemetry::Metrics metrics_;
    const auth::KeyCodec codec_{{"a secret of more than 16 bytes"}};
    auth::KeyExceptions exceptions_;
    Settings settings_;
    const LimitedClients clients_;
    memory::RateLimiter limiter_;
    std::optional<http::Pipeline> pipeline_;
};

constexpr const char* preflight_vary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

}  // namespace

TEST_F(CorsTest, APreflightOfAnAllowedOriginIsAnswered) {
    build_for_app();
    for (const auto* origin : {app, "https://preview-7.example.org"}) {
        const auto response = preflight("/things/1", origin);
        EXPECT_EQ(response.status, 204u);
        EXPECT_EQ(response.headers.find("Access-Control-Allow-Origin"), origin);
        EXPECT_EQ(response.headers.find("Access-Control-Allow-Methods"), "GET, HEAD, PUT, OPTIONS");
        EXPECT_EQ(response.headers.find("Access-Control-Allow-Headers"),
                  "Authorization, Content-Type, X-API-Key, X-Request-Id, Idempotency-Key, If-Match, If-None-Match, "
                  "Sluice-Consistency, traceparent");
        EXPECT_EQ(response.headers.find("Access-Control-Max-Age"), "600");
        EXPECT_EQ(response.headers.find("Access-Control-Allow-Credentials"), std::nullopt);
        EXPECT_EQ(response.headers.find("Access-Control-Expose-Headers"), std::nullopt);
        EXPECT_EQ(response.headers.find("Vary"), preflight_vary);
        EXPECT_TRUE(response.headers.find("X-Request-Id"));
        EXPECT_TRUE(response.body.empty());
    }
}

TEST_F(CorsTest, APreflightSaysWhatIsConfigured) {
    CorsSettings cors;
    cors.origins = {app};
    cors.methods = {"GET", "POST"};
    cors.headers = {"X-One", "X-Two"};
    cors.credentials = true;
    cors.max_age = 0s;
    build(cors);
    const auto response = preflight("/things/1", app);
    EXPECT_EQ(response.headers.find("Access-Control-Allow-Methods"), "GET, POST");
    EXPECT_EQ(response.headers.find("Access-Control-Allow-Headers"), "X-One, X-Two");
    EXPECT_EQ(response.headers.find("Access-Control-Allow-Credentials"), "true");
    EXPECT_EQ(response.headers.find("Access-Control-Max-Age"), "0");
}

TEST_F(CorsTest, APreflightNeedsNoCredentialsAndCountsAgainstNoLimit) {
    settings_.tiers["anonymous"].limits = {{1, 60s}};
    build_for_app();
    for (int i = 0; i < 5; ++i) EXPECT_EQ(preflight("/secret", app, "GET").status, 204u);
    EXPECT_EQ(get("/things/1", app).status, 200u) << "the one request of the limit is still there";
    EXPECT_EQ(get("/things/1", app).status, 429u);
    EXPECT_EQ(preflight("/things/1", app).status, 204u);
}

TEST_F(CorsTest, APreflightOfAnotherOriginIsAnOrdinaryOptions) {
    settings_.tiers["anonymous"].limits = {{3, 60s}};
    build_for_app();
    for (const auto* origin : {other, "null", "https://example.org"}) {
        const auto response = preflight("/things/1", origin);
        EXPECT_EQ(response.status, 204u);
        EXPECT_EQ(response.headers.find("Allow"), "GET, HEAD, PUT, OPTIONS");
        EXPECT_THAT(response.headers.wire(), Not(HasSubstr("Access-Control-Allow")));
        EXPECT_THAT(response.headers.wire(), Not(HasSubstr("Access-Control-Max-Age")));
        EXPECT_EQ(response.headers.find("Vary"), preflight_vary);
    }
    EXPECT_EQ(preflight("/things/1", other).status, 429u) << "it counts as any request does";
}

TEST_F(CorsTest, OptionsThatAreNoPreflightGoOn) {
    build_for_app();
    const auto response = ask(Method::options, "/things/1", {{"Origin", app}});
    EXPECT_EQ(response.status, 204u);
    EXPECT_EQ(response.headers.find("Allow"), "GET, HEAD, PUT, OPTIONS");
    EXPECT_EQ(response.headers.find("Access-Control-Allow-Origin"), app);
    EXPECT_EQ(response.headers.find("Access-Control-Allow-Methods"), std::nullopt);
    const auto without_origin = ask(Method::options, "/things/1", {{"Access-Control-Request-Method", "PUT"}});
    EXPECT_EQ(without_origin.headers.find("Allow"), "GET, HEAD, PUT, OPTIONS");
    EXPECT_THAT(without_origin.headers.wire(), Not(HasSubstr("Access-Control-")));
}

TEST_F(CorsTest, AnEmbeddersOwnOptionsRouteIsNotAskedAboutPreflights) {
    build_for_app();
    EXPECT_EQ(preflight("/own-options", app).status, 204u);
    EXPECT_EQ(preflight("/own-options", other).status, 200u);
    EXPECT_EQ(ask(Method::options, "/own-options").body, "hello");
}

TEST_F(CorsTest, APreflightOfAPathThatDoesNotExistIs404AndCounts) {
    settings_.tiers["anonymous"].limits = {{1, 60s}};
    build_for_app();
    const auto response = preflight("/nothing", app);
    EXPECT_EQ(response.status, 404u);
    EXPECT_EQ(response.headers.find("Access-Control-Allow-Origin"), app);
    EXPECT_EQ(preflight("/nothing", app).status, 429u);
}

TEST_F(CorsTest, EveryAnswerToAnAllowedOriginCanBeRead) {
    build_for_app();
    const struct {
        Method method;
        const char* path;
        unsigned status;
    } cases[] = {
        {Method::get, "/things/1", 200},   {Method::head, "/things/1", 200},   {Method::put, "/things/1", 200},
        {Method::get, "/secret", 401},     {Method::get, "/nothing", 404},     {Method::delete_, "/things/1", 405},
        {Method::get, "/broken", 500},     {Method::get, "/unavailable", 503}, {Method::get, "/unchanged", 304},
        {Method::get, "/things/%zz", 400},
    };
    for (const auto& c : cases) {
        const auto response = ask(c.method, c.path, {{"Origin", app}});
        EXPECT_EQ(response.status, c.status) << c.path;
        EXPECT_EQ(response.headers.find("Access-Control-Allow-Origin"), app) << c.path;
        EXPECT_THAT(std::string{*response.headers.find("Access-Control-Expose-Headers")},
                    AllOf(HasSubstr("X-Request-Id"), HasSubstr("Retry-After"), HasSubstr("ETag"), HasSubstr("RateLimit")));
        EXPECT_EQ(response.headers.find("Vary"), "Origin") << c.path;
        EXPECT_EQ(response.headers.find("Access-Control-Allow-Credentials"), std::nullopt);
    }
    const auto wrong_key = ask(Method::get, "/things/1", {{"Origin", app}, {"X-API-Key", "slk_wrong"}});
    EXPECT_EQ(wrong_key.status, 401u);
    EXPECT_EQ(wrong_key.headers.find("Access-Control-Allow-Origin"), app);
}

TEST_F(CorsTest, A429CanBeReadToo) {
    settings_.tiers["anonymous"].limits = {{1, 60s}};
    build_for_app();
    get("/things/1", app);
    const auto response = get("/things/1", app);
    EXPECT_EQ(response.status, 429u);
    EXPECT_EQ(response.headers.find("Access-Control-Allow-Origin"), app);
    EXPECT_THAT(std::string{*response.headers.find("Access-Control-Expose-Headers")}, HasSubstr("Retry-After"));
}

TEST_F(CorsTest, WithoutAnAllowedOriginOnlyVaryIsSaid) {
    build_for_app();
    const std::vector<std::vector<HeaderField>> cases{
        {},
        {{"Origin", other}},
        {{"Origin", "null"}},
        {{"Origin", ""}},
        {{"Origin", "https://app.example.com:443"}},
        {{"Origin", app}, {"Origin", app}},
        {{"Origin", app}, {"origin", other}},
    };
    for (const auto& fields : cases) {
        for (const auto* path : {"/things/1", "/broken", "/nothing"}) {
            const auto response = ask(Method::get, path, fields);
            EXPECT_THAT(response.headers.wire(), Not(HasSubstr("Access-Control-")));
            EXPECT_EQ(response.headers.find("Vary"), "Origin");
        }
    }
}

TEST_F(CorsTest, VaryIsMergedWithTheHandlers) {
    build_for_app();
    for (const auto* origin : {app, other}) {
        const auto response = get("/personal", origin);
        EXPECT_EQ(response.headers.find("Vary"), "Authorization, X-API-Key, Origin");
    }
}

TEST_F(CorsTest, CredentialsAreSaidOnActualAnswers) {
    CorsSettings cors;
    cors.origins = {app};
    cors.credentials = true;
    cors.expose = {};
    build(cors);
    const auto response = get("/things/1", app);
    EXPECT_EQ(response.headers.find("Access-Control-Allow-Credentials"), "true");
    EXPECT_EQ(response.headers.find("Access-Control-Expose-Headers"), std::nullopt);
    EXPECT_EQ(get("/things/1", other).headers.find("Access-Control-Allow-Credentials"), std::nullopt);
}

TEST_F(CorsTest, AStarIsTheSameForEveryOrigin) {
    CorsSettings cors;
    cors.origins = {"*"};
    build(cors);
    for (const auto& fields : std::vector<std::vector<HeaderField>>{{}, {{"Origin", other}}, {{"Origin", "null"}}}) {
        const auto response = ask(Method::get, "/things/1", fields);
        EXPECT_EQ(response.headers.find("Access-Control-Allow-Origin"), "*");
        EXPECT_EQ(response.headers.find("Vary"), std::nullopt) << "the answer does not differ";
    }
    const auto asked = preflight("/things/1", other);
    EXPECT_EQ(asked.status, 204u);
    EXPECT_EQ(asked.headers.find("Access-Control-Allow-Origin"), "*");
    EXPECT_EQ(asked.headers.find("Vary"), preflight_vary);
}

TEST_F(CorsTest, AHandlerThatSpeaksForItselfIsLeftAlone) {
    build_for_app();
    const auto response = get("/open", app);
    EXPECT_THAT(response.headers.wire(), HasSubstr("Access-Control-Allow-Origin: *\r\n"));
    EXPECT_THAT(response.headers.wire(), Not(HasSubstr(app)));
}

TEST_F(CorsTest, WithoutTheStepNothingIsSaid) {
    build(std::nullopt);
    const auto response = preflight("/things/1", app);
    EXPECT_EQ(response.headers.find("Allow"), "GET, HEAD, PUT, OPTIONS");
    for (const auto& answer : {response, get("/things/1", app)}) {
        EXPECT_THAT(answer.headers.wire(), AllOf(Not(HasSubstr("Access-Control-")), Not(HasSubstr("Vary"))));
    }
}

TEST_F(CorsTest, PreflightsAreCountedAsRequests) {
    build_for_app();
    preflight("/things/1", app);
    EXPECT_THAT(metrics_.render(),
                HasSubstr(R"(sluice_http_requests_total{code="204",method="OPTIONS",route="/things/{id}"} 1)"));
}

TEST(Cors, RefusesCredentialsForEveryone) {
    CorsSettings cors;
    cors.origins = {"*"};
    cors.credentials = true;
    EXPECT_THROW(Cors{cors}, std::invalid_argument);
    cors.origins = {"app.example.com"};
    cors.credentials = false;
    EXPECT_THROW(Cors{cors}, std::invalid_argument);
}

}  // namespace sluice::middleware

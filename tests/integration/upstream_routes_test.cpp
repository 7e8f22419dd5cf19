// Routes that an HTTP service answers, with a service that misbehaves on command.
#include "support/http_client.hpp"
#include "support/origin.hpp"
#include "support/process.hpp"
#include "support/world.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::test {
namespace {

using Json = nlohmann::json;

std::string file_text(const std::string& file) {
    std::ifstream stream{file};
    return {std::istreambuf_iterator<char>{stream}, {}};
}

std::string config_for(const Origin& origin, const std::string& routes, const std::string& breaker = "failures: 1000") {
    return R"(
server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0" }
auth: { key_secrets: [ "${SLUICE_KEY_SECRET}" ] }
tiers: { anonymous: off }
upstreams:
  quotes:
    url: )" +
           origin.url() + R"(
    timeouts: { connect: 500ms, response: 400ms }
    retries: { attempts: 0 }
    breaker: { )" +
           breaker + R"( }
routes:
)" + routes;
}

const std::string quote_routes = R"(
  GET /v1/quotes/{symbol}:
    params: { symbol: string, currency: { type: string, default: EUR }, depth: integer }
    headers: { X-Symbol: "{symbol}" }
    upstream:
      service: quotes
      path: /latest/{symbol}
      query: { currency: ":currency", depth: ":depth", from: "s-{symbol}" }
      headers: { X-Wanted: ":symbol" }
      pick: /result
  GET /whole: { upstream: { service: quotes, path: /whole } }
  GET /bare: { envelope: off, upstream: { service: quotes, path: /whole, pick: /a } }
  POST /v1/orders:
    status: 201
    body: { type: object, required: [amount], properties: { amount: { type: number }, note: { type: string } } }
    upstream: { service: quotes, path: /orders, body: { sum: ":amount", text: ":note", kind: api }, pick: /id }
  PUT /v1/orders/{id}:
    params: { id: integer }
    body: { type: object }
    upstream: { service: quotes, path: "/orders/{id}" }
  GET /cached/{what}:
    params: { what: string }
    cache: { ttl: 300s, tags: ["what:{what}"] }
    upstream: { service: quotes, path: "/{what}" }
  GET /brief/{what}:
    params: { what: string }
    cache: { ttl: 1ms, stale: 1h }
    upstream: { service: quotes, path: "/{what}" }
  GET /instead/{what}:
    params: { what: string }
    upstream: { service: quotes, path: "/{what}" }
    fallback:
      - upstream: { service: quotes, path: "/second/{what}" }
      - body: { rate: 1.10 }
  GET /motd: { respond: { body: { text: hello, n: 1.10 } } }
  GET /robots.txt: { respond: { text: "User-agent: *\n" } }
  GET /gone: { respond: { status: 410, body: { title: gone } } }
)";

class UpstreamRoutes : public ::testing::Test {
protected:
    void start(const std::string& breaker = "failures: 1000") {
        instance_.emplace(directory_.write("api.yaml", config_for(origin, quote_routes, breaker)), world_environment());
    }
    HttpResponse ask(const std::string& path, const std::string& method = "GET", const std::string& body = {},
                     const std::string& fields = {}) {
        HttpClient client{instance_->port()};
        return client.request(method, path, body, fields);
    }

    /// Once its copy is no longer fresh.
    HttpResponse ask_beyond_ttl(const std::string& path) {
        HttpResponse answer;
        EXPECT_TRUE(eventually([&] {
            answer = ask(path);
            const auto status = answer.header("Cache-Status");
            return !status || !status->starts_with("sluice; hit") || status->ends_with("detail=stale");
        })) << path;
        return answer;
    }

    Origin origin;

private:
    TemporaryDirectory directory_;
    std::optional<Instance> instance_;
};

}  // namespace

TEST_F(UpstreamRoutes, ValuesStandEncodedInTheirPlaceAndNumbersKeepTheirText) {
    origin.behave([](const OriginRequest&) {
        return OriginAnswer::ok(R"({"result": {"price": 1.10, "big": 12345678901234567890.50}, "other": 1})");
    });
    start();
    const auto answer = ask("/v1/quotes/a%20b%2Fc%3Fx=1?currency=%26y%3D%0D%0AX-Evil:%201");
    EXPECT_EQ(answer.status, 200u) << answer.body;
    EXPECT_EQ(answer.body, R"({"data":{"price": 1.10, "big": 12345678901234567890.50}})");
    EXPECT_EQ(answer.header("Content-Type"), "application/json");
    EXPECT_TRUE(answer.header("ETag"));
    ASSERT_EQ(origin.request_count(), 1u);
    const auto sent = origin.requests().front();
    EXPECT_EQ(sent.method, "GET");
    EXPECT_EQ(sent.target, "/latest/a%20b%2Fc%3Fx%3D1?currency=%26y%3D%0D%0AX-Evil%3A%201&from=s-a%20b%2Fc%3Fx%3D1")
        << "what has no value is left out";
    EXPECT_EQ(sent.field("X-Wanted"), "a b/c?x=1");
    EXPECT_EQ(sent.field_count("X-Evil"), 0u);
    EXPECT_EQ(ask("/v1/quotes/%2E%2E").status, 400u);
    EXPECT_EQ(ask("/v1/quotes/a%0D%0AX-Evil:1").status, 400u) << "no field holds a line break";
    EXPECT_EQ(ask("/v1/quotes/a?depth=x").status, 400u);
    EXPECT_EQ(origin.request_count(), 1u) << "none of these was passed on";
    EXPECT_EQ(ask("/v1/quotes/a", "GET", {}, "If-None-Match: " + std::string{*answer.header("ETag")} + "\r\n").status, 304u);
}

TEST_F(UpstreamRoutes, TheWholeDocumentOrAPartOfIt) {
    origin.behave([](const OriginRequest&) { return OriginAnswer::ok(R"( {"a":[1,2]} )"); });
    start();
    EXPECT_EQ(ask("/whole").body, R"({"data":{"a":[1,2]}})");
    EXPECT_EQ(ask("/bare").body, "[1,2]");
    origin.behave([](const OriginRequest&) { return OriginAnswer::ok(R"({"b":1})"); });
    EXPECT_EQ(ask("/bare").status, 502u) << "'pick' leads nowhere";
    origin.behave([](const OriginRequest&) { return OriginAnswer::status(204); });
    EXPECT_EQ(ask("/whole").body, R"({"data":null})");
}

TEST_F(UpstreamRoutes, WritesSendTheBodyThatTheRouteSays) {
    origin.behave([](const OriginRequest&) { return OriginAnswer::status(201, R"({"id":7})"); });
    start();
    const auto json = "Content-Type: application/json\r\n";
    const auto made = ask("/v1/orders", "POST", R"({"amount": 1.10, "note": "\"},\"x\":1"})",
                          std::string{json} + "Idempotency-Key: k1\r\n");
    EXPECT_EQ(made.status, 201u) << made.body;
    EXPECT_EQ(made.body, R"({"data":7})");
    const auto sent = origin.requests().front();
    EXPECT_EQ(sent.body, R"({"sum":1.10,"text":"\"},\"x\":1","kind":"api"})");
    EXPECT_EQ(sent.field("Content-Type"), "application/json");
    EXPECT_EQ(sent.field("Idempotency-Key"), "k1");
    EXPECT_EQ(ask("/v1/orders/5", "PUT", R"({"free": [1.0]})", json).status, 200u);
    EXPECT_EQ(origin.requests().back().body, R"({"free": [1.0]})") << "its own where the call says none";
    EXPECT_EQ(origin.requests().back().method, "PUT");
    EXPECT_EQ(ask("/v1/orders", "POST", R"({"note": "x"})", json).status, 422u);
    EXPECT_EQ(origin.request_count(), 2u);
}

TEST_F(UpstreamRoutes, WhateverTheServiceDoesIsAProblemOfOurs) {
    start();
    const std::vector<std::pair<std::string, unsigned>> cases{{"500", 502},
                                                              {"502", 502},
                                                              {"503", 503},
                                                              {"504", 504},
                                                              {"reset", 502},
                                                              {"hang", 504},
                                                              {"slow-head", 504},
                                                              {"garbage", 502},
                                                              {"slow-body", 504},
                                                              {"cut-off-head", 502},
                                                              {"cut-off-body", 502},
                                                              {"two-lengths", 502},
                                                              {"length-and-chunked", 502},
                                                              {"bad-chunk", 502},
                                                              {"huge-head", 502},
                                                              {"endless-body", 502},
                                                              {"wrong-length", 502}};
    for (const auto& [command, status] : cases) {
        const auto answer = ask("/instead-of-nothing/" + command);
        EXPECT_EQ(answer.status, 404u) << "no such route";
        const auto got = ask("/cached/" + command);
        EXPECT_EQ(got.status, status) << command << ' ' << got.body;
        EXPECT_EQ(got.header("Content-Type"), "application/problem+json") << command;
        if (status == 503) EXPECT_TRUE(got.header("Retry-After"));
    }
    origin.behave([](const OriginRequest&) { return OriginAnswer::status(404); });
    EXPECT_EQ(ask("/cached/a").status, 404u);
    origin.behave([](const OriginRequest&) { return OriginAnswer::status(403); });
    EXPECT_EQ(ask("/cached/b").status, 502u) << "what it refuses us is nothing of the client's";
    origin.behave([](const OriginRequest&) { return OriginAnswer::status(301, "", "Location: /elsewhere\r\n"); });
    EXPECT_EQ(ask("/cached/c").status, 502u);
    origin.behave([](const OriginRequest&) { return OriginAnswer::ok("<html>"); });
    EXPECT_EQ(ask("/cached/d").status, 502u);
    origin.go_away();
    EXPECT_EQ(ask("/cached/e").status, 503u);
}

TEST_F(UpstreamRoutes, ACopyIsServedAndStandsInWhileTheServiceFails) {
    origin.behave([](const OriginRequest&) { return OriginAnswer::ok(R"({"n":1})"); });
    start();
    EXPECT_EQ(ask("/cached/a").header("Cache-Status"), "sluice; fwd=miss");
    const auto hit = ask("/cached/a");
    EXPECT_TRUE(hit.header("Cache-Status")->starts_with("sluice; hit")) << *hit.header("Cache-Status");
    EXPECT_EQ(hit.body, R"({"data":{"n":1}})");
    EXPECT_EQ(origin.request_count(), 1u);
    EXPECT_EQ(ask("/brief/a").status, 200u);
    origin.behave(Origin::commanded);
    for (const auto* trouble : {"503", "500"}) {
        origin.behave(
            [trouble](const OriginRequest&) { return OriginAnswer::status(static_cast<unsigned>(std::stoul(trouble))); });
        const auto stale = ask_beyond_ttl("/brief/a");
        EXPECT_EQ(stale.status, 200u) << trouble;
        EXPECT_EQ(stale.body, R"({"data":{"n":1},"stale":true})");
    }
    origin.behave([](const OriginRequest&) { return OriginAnswer::status(403); });
    EXPECT_EQ(ask_beyond_ttl("/brief/a").status, 502u) << "it refuses what is asked: no copy stands in";
    origin.go_away();
    EXPECT_EQ(ask("/brief/a").status, 200u);
    EXPECT_EQ(ask("/brief/b").status, 503u);
}

TEST_F(UpstreamRoutes, FallbacksAnswerInOrder) {
    origin.behave([](const OriginRequest& request) {
        return request.target.starts_with("/second") ? OriginAnswer::ok(R"({"n":2})") : OriginAnswer::status(503);
    });
    start();
    const auto second = ask("/instead/a");
    EXPECT_EQ(second.status, 200u);
    EXPECT_EQ(second.body, R"({"data":{"n":2},"degraded":true})");
    EXPECT_EQ(second.header("Cache-Status"), "sluice; fwd=miss; detail=fallback");
    origin.behave([](const OriginRequest&) { return OriginAnswer::status(503); });
    EXPECT_EQ(ask("/instead/a").body, R"({"data":{"rate":1.10},"degraded":true})");
    origin.behave([](const OriginRequest&) { return OriginAnswer::status(404); });
    EXPECT_EQ(ask("/instead/a").status, 404u) << "that there is none is an answer";
}

TEST_F(UpstreamRoutes, AServiceThatFailsIsLeftAlone) {
    origin.behave([](const OriginRequest&) { return OriginAnswer::status(503); });
    start("failures: 3, reset: 1h");
    for (int i = 0; i < 10; ++i) EXPECT_EQ(ask("/whole").status, 503u);
    EXPECT_EQ(origin.request_count(), 3u);
    EXPECT_EQ(ask("/motd").status, 200u) << "who does not need it does not notice";
    EXPECT_EQ(ask("/instead/a").body, R"({"data":{"rate":1.10},"degraded":true})");
}

TEST_F(UpstreamRoutes, ConstantsAreAnsweredAsTheyStand) {
    start();
    const auto motd = ask("/motd");
    EXPECT_EQ(motd.status, 200u);
    EXPECT_EQ(motd.body, R"({"text":"hello","n":1.10})");
    EXPECT_EQ(motd.header("Content-Type"), "application/json");
    EXPECT_EQ(ask("/motd", "GET", {}, "If-None-Match: " + std::string{*motd.header("ETag")} + "\r\n").status, 304u);
    const auto robots = ask("/robots.txt");
    EXPECT_EQ(robots.body, "User-agent: *\n");
    EXPECT_EQ(robots.header("Content-Type"), "text/plain; charset=utf-8");
    EXPECT_EQ(ask("/gone").status, 410u);
    EXPECT_EQ(ask("/motd?x=1").status, 400u);
}

// The pair that README shows, on free ports.
TEST(GatewayExample, AnswersAsTheReadmeSays) {
    const TemporaryDirectory directory;
    const auto at = [&](const std::string& file, const std::vector<std::pair<std::string, std::string>>& changes) {
        auto text = file_text(std::string{SLUICE_SOURCE_DIR} + "/config/" + file);
        for (const auto& [from, to] : changes) {
            const auto place = text.find(from);
            EXPECT_NE(place, text.npos) << from;
            text.replace(place, from.size(), to);
        }
        return directory.write(file == "gateway.yaml" ? "gateway.yaml" : "service.yaml", text);
    };
    const std::string free_port = "127.0.0.1:0";
    const Instance service{at("gateway/service.yaml", {{"127.0.0.1:9001", free_port}, {"127.0.0.1:9191", free_port}}), {}};
    const Instance gateway{at("gateway.yaml", {{"127.0.0.1:8080", free_port},
                                               {"127.0.0.1:9180", free_port},
                                               {"127.0.0.1:9001", "127.0.0.1:" + std::to_string(service.port())}}),
                           {}};
    HttpClient client{gateway.port()};
    EXPECT_EQ(client.request("GET", "/v1/quotes/EUR").body, R"({"data":{"price":1.10,"at":"2026-11-26T08:00:00Z"}})");
    EXPECT_EQ(client.request("GET", "/v1/forecast").body, R"({"data":{"outlook":"unknown"},"degraded":true})");
    EXPECT_EQ(client.request("GET", "/v1/motd").body, R"({"text":"hello"})");
}

}  // namespace sluice::test

#include "sluice/response.hpp"
#include "support/http_client.hpp"
#include "support/http_test_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/post.hpp>

#include <atomic>
#include <future>

namespace sluice::http {
namespace {

using namespace std::chrono_literals;
using test::http_get;
using test::http_post;
using test::HttpClient;
using test::HttpTestServer;
using test::make_route;
using testing::HasSubstr;

awaitable<Response> echo(Exchange& exchange) {
    const auto body = co_await exchange.body(1000);
    co_return Response::text(200, std::string{body});
}

awaitable<Response> ignore_body(Exchange& exchange) { co_return Response::text(200, std::string{exchange.request.target}); }

/// Waits in an Asio operation until it is cancelled.
awaitable<Response> hang(Exchange& exchange) {
    runtime::Timer timer{exchange.executor, TimePoint::max()};
    co_await timer.async_wait(use_awaitable);
    co_return Response::empty(204);
}

std::vector<Route> routes() {
    std::vector<Route> list;
    list.push_back(make_route(Method::get, "/hello", ignore_body));
    list.push_back(make_route(Method::get, "/echo", echo));
    list.push_back(make_route(Method::post, "/echo", echo));
    list.push_back(make_route(Method::post, "/ignore", ignore_body));
    list.push_back(make_route(Method::get, "/hang", hang));
    list.push_back(
        make_route(Method::get, "/nothing", [](Exchange&) -> awaitable<Response> { co_return Response::empty(204); }));
    Route at_once;
    at_once.pattern = "/at-once/{bytes}";
    at_once.eager = [](Exchange& e) -> Outcome {
        return Response::text(200, std::string(std::stoul(e.path_values.at(0)), 'x'));
    };
    list.push_back(at_once);
    at_once.method = Method::post;
    list.push_back(at_once);
    list.push_back(make_route(Method::get, "/peer", [](Exchange& e) -> awaitable<Response> {
        co_return Response::text(200, std::string{e.request.remote_address} + " " + e.client_address);
    }));
    return list;
}

ServerSettings quick() {
    ServerSettings settings;
    settings.timeouts.header = 1ms;
    settings.timeouts.body = 1ms;
    settings.timeouts.idle = 60s;
    return settings;
}

}  // namespace

TEST(Session, KeepsTheConnection) {
    HttpTestServer server{routes()};
    HttpClient client{server.port()};
    for (int i = 0; i < 3; ++i) {
        const auto response = client.request("GET", "/hello?" + std::to_string(i));
        EXPECT_EQ(response.status, 200u);
        EXPECT_EQ(response.body, "/hello?" + std::to_string(i));
        EXPECT_EQ(response.header("Server"), "sluice");
        EXPECT_EQ(response.header("Connection"), std::nullopt);
        EXPECT_THAT(response.header("Date").value_or(""), HasSubstr(" GMT"));
    }
}

TEST(Session, AnswersWhatNeedNotWaitInOrderWithWhatDoes) {
    HttpTestServer server{routes()};
    HttpClient client{server.port()};
    std::string requests;
    std::vector<std::size_t> sizes;
    for (std::size_t i = 0; i < 200; ++i) {
        // Some are copied behind others, some are too large for that; now and then one waits, or has a body nobody reads.
        sizes.push_back(i % 17 == 0 ? 50'000 + i : i % 5 * 1'000 + i);
        const auto target = "/at-once/" + std::to_string(sizes.back());
        if (i % 7 == 0) requests += "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
        requests += i % 11 == 0 ? "POST " + target + " HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                                : "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
    }
    auto sent = std::async(std::launch::async, [&] { return client.send(requests); });
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        if (i % 7 == 0) {
            const auto waited = client.receive();
            ASSERT_TRUE(waited);
            ASSERT_EQ(waited->body, "/hello") << i;
        }
        const auto answer = client.receive();
        ASSERT_TRUE(answer);
        ASSERT_EQ(answer->body.size(), sizes[i]) << i;
    }
    EXPECT_TRUE(sent.get());
}

TEST(Session, AnAnswerDoesNotWaitForTheNextRequests) {
    HttpTestServer server{routes()};
    HttpClient client{server.port()};
    client.send("GET /at-once/3 HTTP/1.1\r\nHost: a\r\n\r\nGET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto answer = client.receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, "xxx");
}

TEST(Session, WhatNeedNotWaitKeepsOrClosesTheConnectionLikeAnyOther) {
    HttpTestServer server{routes()};
    HttpClient client{server.port()};
    client.send("HEAD /at-once/3 HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto head = client.receive(HttpClient::Body::none);
    ASSERT_TRUE(head);
    EXPECT_EQ(head->header("Content-Length"), "3");
    client.send("GET /at-once/3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto last = client.receive();
    ASSERT_TRUE(last);
    EXPECT_TRUE(last->closes());
    EXPECT_TRUE(client.wait_closed());
}

TEST(Session, AnswersPipelinedRequestsInOrder) {
    HttpTestServer server{routes()};
    HttpClient client{server.port()};
    std::string bytes;
    for (int i = 0; i < 50; ++i) {
        bytes += "GET /hello?" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
        bytes += "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
        bytes += "POST /ignore HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n";
    }
    client.send(bytes);
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(client.receive()->body, "/hello?" + std::to_string(i));
        EXPECT_EQ(client.receive()->body, "body");
        EXPECT_EQ(client.receive()->body, "/ignore");
    }
}

TEST(Session, ReadsARequestThatArrivesByteByByte) {
    HttpTestServer server{routes()};
    HttpClient client{server.port()};
    for (const char c :
         std::string_view{"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"}) {
        client.send({&c, 1});
    }
    EXPECT_EQ(client.receive()->body, "hello");
}

TEST(Session, HeadHasNoBody) {
    HttpTestServer server{routes()};
    HttpClient client{server.port()};
    const auto head = client.request("HEAD", "/hello");
    EXPECT_EQ(head.header("Content-Length"), "6");
    EXPECT_EQ(client.request("GET", "/hello").body, "/hello") << "nothing of a body was in between";
    EXPECT_EQ(client.request("GET", "/nothing").status, 204u);
}

TEST(Session, ClosesWhenAskedTo) {
    HttpTestServer server{routes()};
    HttpClient client{server.port()};
    EXPECT_TRUE(client.request("GET", "/hello", {}, "Connection: close\r\n").closes());
    EXPECT_TRUE(client.wait_closed());
}

TEST(Session, Http10ClosesUnlessKeptAlive) {
    HttpTestServer server{routes()};
    HttpClient client{server.port()};
    client.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(client.receive()->header("Connection"), "keep-alive");
    client.send("GET /hello HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(client.receive()->closes());
    EXPECT_TRUE(client.wait_closed());
}

TEST(Session, AnswersAClientThatHasFinishedSending) {
    HttpTestServer server{routes()};
    HttpClient client{server.port()};
    client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    client.finish_sending();
    EXPECT_EQ(client.receive()->status, 200u);
    EXPECT_TRUE(client.wait_closed());
}

TEST(Session, KnowsThePeer) {
    HttpTestServer server{routes()};
    EXPECT_EQ(http_get(server.port(), "/peer").body, "127.0.0.1 127.0.0.1");
}

TEST(Session, SendsContinueWhenTheBodyIsWanted) {
    HttpTestServer server{routes()};
    HttpClient client{server.port()};
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(client.receive()->status, 100u);
    client.send("hello");
    EXPECT_EQ(client.receive()->body, "hello");
    EXPECT_EQ(client.request("GET", "/hello").status, 200u);
}

TEST(Session, ARefusalDoesNotAskForTheBody) {
    HttpTestServer server{routes()};
    for (const auto* target : {"/ignore", "/nowhere"}) {
        HttpClient client{server.port()};
        client.send("POST " + std::string{target} +
                    " HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
        const auto response = client.receive();
        EXPECT_NE(response->status, 100u);
        EXPECT_TRUE(response->closes()) << "the client may or may not send the body now";
    }
}

TEST(Session, DiscardsASmallUnreadBody) {
    HttpTestServer server{routes()};
    HttpClient client{server.port()};
    EXPECT_FALSE(client.request("POST", "/ignore", std::string(60'000, 'x')).closes());
    EXPECT_EQ(client.request("GET", "/hello").status, 200u);
}

TEST(Session, ClosesOverALargeUnreadBody) {
    HttpTestServer server{routes()};
    HttpClient client{server.port()};
    client.send("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    EXPECT_TRUE(client.receive()->closes());
    client.send(std::string(1'000'000, 'x'));
    EXPECT_TRUE(client.wait_closed());
}

TEST(Session, BoundsBodies) {
    HttpTestServer server{routes()};
    EXPECT_EQ(http_post(server.port(), "/echo", std::string(1000, 'x')).body.size(), 1000u);
    EXPECT_EQ(http_post(server.port(), "/echo", std::string(1001, 'x')).status, 413u);

    HttpClient announced{server.port()};
    announced.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(announced.receive()->status, 413u) << "without reading";

    HttpClient chunked{server.port()};
    chunked.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + std::string(1000, 'x') +
                 "\r\n1\r\n");
    const auto response = chunked.receive();
    EXPECT_EQ(response->status, 413u);
    EXPECT_TRUE(response->closes());
}

TEST(Session, ABodyOfManyReadsArrivesWhole) {
    std::vector<Route> list;
    list.push_back(make_route(Method::post, "/size", [](Exchange& e) -> awaitable<Response> {
        const auto body = co_await e.body(10'000'000);
        const auto again = co_await e.body(10'000'000);
        const bool intact = e.request.header("X-Padding").value_or("").size() == 3900 && body.data() == again.data();
        co_return Response::text(200, std::to_string(body.size()) + (intact ? " intact" : " broken"));
    }));
    HttpTestServer server{std::move(list)};
    HttpClient client{server.port()};
    for (int i = 0; i < 3; ++i) {
        const auto padding = "X-Padding: " + std::string(3900, 'p') + "\r\n";
        EXPECT_EQ(client.request("POST", "/size", std::string(3'000'000, 'x'), padding).body, "3000000 intact");
    }
}

TEST(Session, MalformedChunksAre400) {
    HttpTestServer server{routes()};
    HttpClient client{server.port()};
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n");
    const auto response = client.receive();
    EXPECT_EQ(response->status, 400u);
    EXPECT_TRUE(response->closes());
}

TEST(Session, CodedBodiesAre415) {
    HttpTestServer server{routes()};
    EXPECT_EQ(http_post(server.port(), "/echo", "x", "Content-Encoding: gzip\r\n").status, 415u);
    EXPECT_EQ(http_post(server.port(), "/echo", "x", "Content-Encoding: identity\r\n").status, 200u);
}

TEST(Session, MalformedRequestsAreAnsweredCountedAndClosed) {
    HttpTestServer server{routes()};
    HttpClient client{server.port()};
    client.send(
        "GET /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n");
    const auto response = client.receive();
    EXPECT_EQ(response->status, 400u);
    EXPECT_EQ(response->header("Content-Type"), "application/problem+json");
    EXPECT_TRUE(response->header("X-Request-Id").has_value());
    EXPECT_TRUE(response->closes());
    EXPECT_TRUE(client.wait_closed());
    EXPECT_THAT(server.metrics.render(), HasSubstr("route=\"malformed\""));
}

TEST(Session, ALateHeadIs408) {
    HttpTestServer server{routes(), quick()};
    HttpClient client{server.port()};
    client.send("GET /hello HTTP/1.1\r\nHo");
    const auto response = client.receive();
    EXPECT_EQ(response->status, 408u);
    EXPECT_TRUE(response->closes());
    EXPECT_TRUE(client.wait_closed());
}

TEST(Session, ALateBodyIs408) {
    HttpTestServer server{routes(), quick()};
    HttpClient client{server.port()};
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
    const auto response = client.receive();
    EXPECT_EQ(response->status, 408u);
    EXPECT_TRUE(response->closes());
}

TEST(Session, AnIdleConnectionIsClosedWithoutAWord) {
    auto settings = quick();
    settings.timeouts.idle = 1ms;
    settings.timeouts.header = 60s;
    HttpTestServer server{routes(), settings};
    HttpClient fresh{server.port()};
    EXPECT_TRUE(fresh.wait_closed());
    HttpClient used{server.port()};
    if (used.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n") && used.receive()) {
        EXPECT_TRUE(used.wait_closed());
    }
}

TEST(Session, AHandlerThatOutlivesItsDeadlineIsCancelled) {
    ServerSettings settings;
    settings.timeouts.request = 1ms;
    HttpTestServer server{routes(), settings};
    HttpClient client{server.port()};
    EXPECT_EQ(client.request("GET", "/hang").status, 504u);
    EXPECT_EQ(client.request("GET", "/hang").status, 504u) << "the connection lives on";
    EXPECT_EQ(client.request("GET", "/hello").status, 200u);
}

TEST(Session, BoundsHeadAndTarget) {
    HttpTestServer server{routes()};
    EXPECT_EQ(http_get(server.port(), "/hello?" + std::string(8000, 'x')).status, 200u);
    EXPECT_EQ(http_get(server.port(), "/hello?" + std::string(9000, 'x')).status, 414u);
    EXPECT_EQ(http_get(server.port(), "/hello", "X: " + std::string(30'000, 'x') + "\r\n").status, 200u);
    EXPECT_EQ(http_get(server.port(), "/hello", "X: " + std::string(40'000, 'x') + "\r\n").status, 431u);
}

}  // namespace sluice::http

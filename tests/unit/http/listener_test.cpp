#include "http/listener.hpp"
#include "http/address.hpp"
#include "runtime/one_shot.hpp"
#include "support/http_client.hpp"
#include "support/http_test_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

namespace sluice::http {
namespace {

using namespace std::chrono_literals;
using test::HttpClient;
using test::HttpTestServer;
using test::make_route;
using testing::HasSubstr;

awaitable<Response> hello(Exchange&) { co_return Response::text(200, "hello"); }

std::vector<Route> one_route(Handler handler = hello) {
    std::vector<Route> list;
    list.push_back(make_route(Method::get, "/", std::move(handler)));
    return list;
}

/// A handler that says when it has begun and waits to be released.
struct Held {
    std::promise<runtime::OneShot<bool>> begun;

    Handler handler() {
        return [this](Exchange& exchange) -> awaitable<Response> {
            const runtime::OneShot<bool> released{exchange.executor};
            begun.set_value(released);
            const auto value = co_await released.wait(Deadline::never());
            co_return Response::text(value ? 200 : 500, "held");
        };
    }
};

std::string error_of(Listener& listener, std::string_view address) {
    try {
        listener.open(address);
        return "none";
    } catch (const std::runtime_error& error) {
        return error.what();
    }
}

}  // namespace

TEST(Address, AcceptsEveryForm) {
    EXPECT_EQ(resolve("127.0.0.1:8080").port(), 8080);
    EXPECT_TRUE(resolve("[::1]:80").address().is_v6());
    EXPECT_TRUE(resolve("localhost:0").address().is_loopback());
    EXPECT_TRUE(resolve("0.0.0.0:1").address().is_unspecified());
}

TEST(Address, RefusesTheRest) {
    for (const auto* address :
         {"", "a", "127.0.0.1", ":80", "::1:80", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "[::1]"}) {
        EXPECT_THROW(static_cast<void>(resolve(address)), std::runtime_error) << address;
    }
}

TEST(Listener, AnAddressInUseIsOneClearLine) {
    HttpTestServer server{one_route()};
    const auto address = "127.0.0.1:" + std::to_string(server.port());
    Listener second{server.loops, server.site, server.metrics, Listener::Mode::serving};
    EXPECT_EQ(error_of(second, address), "cannot listen on " + address + ": address already in use");
}

TEST(Listener, ListensOnIpv6) {
    HttpTestServer server{one_route()};
    Listener second{server.loops, server.site, server.metrics, Listener::Mode::background};
    if (const auto error = error_of(second, "[::1]:0"); error != "none") GTEST_SKIP() << error;
    second.start();
    EXPECT_EQ(HttpClient(second.port(), "::1").request("GET", "/").body, "hello");
    EXPECT_TRUE(second.drain(Deadline::after(Clock::now(), 10s)));
}

TEST(Listener, CountsOpenConnections) {
    HttpTestServer server{one_route()};
    HttpClient first{server.port()};
    HttpClient second{server.port()};
    first.request("GET", "/");
    second.request("GET", "/");
    EXPECT_THAT(server.metrics.render(), HasSubstr("sluice_http_connections 2"));
}

TEST(Listener, TheBackgroundListenerCountsNothing) {
    HttpTestServer server{one_route()};
    Listener admin{server.loops, server.site, server.metrics, Listener::Mode::background};
    admin.open("127.0.0.1:0");
    admin.start();
    HttpClient client{admin.port()};
    client.request("GET", "/");
    EXPECT_THAT(server.metrics.render(), HasSubstr("sluice_http_connections 0"));
    EXPECT_TRUE(admin.drain(Deadline::after(Clock::now(), 10s)));
}

TEST(Listener, ConnectionsBeyondTheLimitAreTurnedAway) {
    ServerSettings settings;
    settings.limits.connections = 1;
    HttpTestServer server{one_route(), settings};
    {
        HttpClient first{server.port()};
        EXPECT_EQ(first.request("GET", "/").status, 200u);
        HttpClient second{server.port()};
        const auto response = second.request("GET", "/");
        EXPECT_EQ(response.status, 503u);
        EXPECT_EQ(response.header("Retry-After"), "1");
        EXPECT_TRUE(response.closes());
        EXPECT_TRUE(second.wait_closed());
        EXPECT_EQ(first.request("GET", "/", {}, "Connection: close\r\n").status, 200u);
        EXPECT_TRUE(first.wait_closed());
    }
    unsigned status = 503;
    for (int attempt = 0; status == 503 && attempt < 1000; ++attempt) status = test::http_get(server.port(), "/").status;
    EXPECT_EQ(status, 200u) << "a closed connection makes room";
}

TEST(Listener, DrainClosesIdleConnections) {
    HttpTestServer server{one_route()};
    HttpClient idle{server.port()};
    idle.request("GET", "/");
    HttpClient fresh{server.port()};
    EXPECT_TRUE(server.listener->drain(Deadline::after(Clock::now(), 60s)));
    EXPECT_TRUE(idle.wait_closed());
    EXPECT_TRUE(fresh.wait_closed());
    EXPECT_THROW(HttpClient{server.port()}, std::runtime_error) << "nobody listens any more";
}

TEST(Listener, DrainLetsRequestsInFlightFinish) {
    Held held;
    HttpTestServer server{one_route(held.handler())};
    HttpClient client{server.port()};
    HttpClient idle_on_one_loop{server.port()};
    HttpClient idle_on_the_other{server.port()};
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto release = held.begun.get_future().get();
    auto drained =
        std::async(std::launch::async, [&] { return server.listener->drain(Deadline::after(Clock::now(), 60s)); });
    EXPECT_TRUE(idle_on_one_loop.wait_closed());
    EXPECT_TRUE(idle_on_the_other.wait_closed());  // so both loops are draining now
    release.set(true);
    const auto response = client.receive();
    EXPECT_EQ(response->status, 200u);
    EXPECT_TRUE(response->closes());
    EXPECT_TRUE(client.wait_closed());
    EXPECT_TRUE(drained.get());
}

TEST(Listener, DrainCutsOffWhatDoesNotFinish) {
    Held held;
    HttpTestServer server{one_route(held.handler())};
    HttpClient client{server.port()};
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    static_cast<void>(held.begun.get_future().get());  // what it waits on must not outlive the loops
    EXPECT_FALSE(server.listener->drain(Deadline::at(Clock::now())));
    EXPECT_TRUE(client.wait_closed());
}

TEST(Listener, CanBeDestroyedUnstarted) {
    HttpTestServer server{one_route()};
    Listener unopened{server.loops, server.site, server.metrics, Listener::Mode::serving};
    Listener opened{server.loops, server.site, server.metrics, Listener::Mode::serving};
    opened.open("127.0.0.1:0");
    EXPECT_NE(opened.port(), 0);
}

}  // namespace sluice::http

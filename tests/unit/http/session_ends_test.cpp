// How a connection ends, and for whom: clients that still send, that have ended their side, that are too slow, and bodies
// that nobody wants.
#include "middleware/refused_heads.hpp"
#include "sluice/response.hpp"
#include "support/http_client.hpp"
#include "support/http_test_server.hpp"
#include "support/process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/redirect_error.hpp>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>

namespace sluice::http {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::HttpClient;
using test::HttpTestServer;
using test::make_route;
using testing::HasSubstr;

class SessionEnds : public ::testing::Test {
protected:
    std::vector<Route> routes() {
        std::vector<Route> list;
        const auto count = [this](Exchange&) -> awaitable<Response> {
            ++run;
            co_return Response::text(200, "run");
        };
        for (const auto method : {Method::get, Method::delete_, Method::post}) {
            list.push_back(make_route(method, "/no-body", count));
            list.back().body = BodyUse::none;
        }
        Route cached;
        cached.pattern = "/cached";
        cached.body = BodyUse::none;
        cached.eager = [this](Exchange&) -> Outcome {
            ++run;
            return Response::text(200, "hit");
        };
        list.push_back(cached);
        cached.pattern = "/small";
        cached.options.body_limit = 10;
        list.push_back(cached);
        list.push_back(make_route(Method::post, "/body", [](Exchange& e) -> awaitable<Response> {
            co_return Response::text(200, std::string{co_await e.body(1000)});
        }));
        list.push_back(make_route(Method::post, "/refuses", [](Exchange&) -> awaitable<Response> {
            co_return to_response(Problem::of(401, "no"), "id");
        }));
        list.push_back(make_route(Method::get, "/large", [large = large](Exchange&) -> awaitable<Response> {
            Response response;
            response.shared_body = large;
            co_return response;
        }));
        list.push_back(make_route(Method::get, "/held", [this](Exchange& exchange) -> awaitable<Response> {
            runtime::Timer timer{exchange.executor, TimePoint::max()};
            held.set_value();
            timer.expires_after(hold);
            boost::system::error_code cancelled;
            co_await timer.async_wait(boost::asio::redirect_error(use_awaitable, cancelled));
            if (exchange.client_gone) gone.set_value();
            co_return Response::text(200, "held");
        }));
        return list;
    }

    static std::string request(const std::string& line, const std::string& rest) {
        return line + " HTTP/1.1\r\nHost: a\r\n" + rest;
    }

    // Made beforehand: so many bytes take longer than a loop may be held.
    const std::shared_ptr<const std::string> large = std::make_shared<std::string>(64 * 1024 * 1024, 'x');
    std::atomic<int> run{0};
    Duration hold = 600ms;
    std::promise<void> held, gone;
};

constexpr std::string_view chunked = "Transfer-Encoding: chunked\r\n\r\n";

/// A connection read a byte at a time; how many bytes came.
std::size_t read_slowly(std::uint16_t port, std::string_view bytes) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
    const int narrow = 4096;
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &narrow, sizeof narrow);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_GT(::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL), 0);
    std::size_t count = 0;
    for (char byte = 0; ::recv(descriptor, &byte, 1, 0) == 1;) ++count;
    ::close(descriptor);
    return count;
}

}  // namespace

TEST_F(SessionEnds, ARefusalReachesAClientThatSendsItsWholeBodyFirst) {
    HttpTestServer server{routes()};
    for (const std::size_t size : {2u, 20u}) {
        for (const auto* line : {"POST /refuses", "POST /nowhere", "POST /body", "POST /no-body", "BREW /body"}) {
            HttpClient client{server.port()};
            const std::string body(size * 1024 * 1024, 'x');
            EXPECT_TRUE(client.send(request(line, "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n"))) << line;
            EXPECT_TRUE(client.send(body)) << line << ": reset while it was sending";
            const auto response = client.receive();
            ASSERT_TRUE(response) << line;
            EXPECT_GE(response->status, 401u) << line;
            EXPECT_TRUE(response->closes()) << line;
            EXPECT_TRUE(client.wait_closed());
        }
    }
}

TEST_F(SessionEnds, ADrainDoesNotWaitForThoseWhoStillSend) {
    HttpTestServer server{routes()};
    HttpClient client{server.port()};
    client.send(request("POST /refuses", "Content-Length: 20000000\r\n\r\n"));
    EXPECT_EQ(client.receive()->status, 401u);
    EXPECT_TRUE(server.listener->drain(Deadline::after(Clock::now(), 4s))) << "less than the silence that is let pass";
}

TEST_F(SessionEnds, NoRouteRunsForABodyThatIsBadlyFramed) {
    HttpTestServer server{routes()};
    for (const auto* line :
         {"GET /no-body", "DELETE /no-body", "POST /no-body", "GET /cached", "HEAD /cached", "OPTIONS /cached"}) {
        for (const auto* body : {"z\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "-1\r\n\r\n", "5\nhello\r\n0\r\n\r\n",
                                 "5\r\nhello\r\n0\r\nbad trailer\r\n\r\n", "5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
                                 "FFFFFFFFFFFFFFFF0\r\n", "5 \r\nhello\r\n0\r\n\r\n\r\n"}) {
            HttpClient client{server.port()};
            client.send(request(line, std::string{chunked} + body));
            const auto response = client.receive(HttpClient::Body::none);
            ASSERT_TRUE(response) << line << body;
            EXPECT_EQ(response->status, 400u) << line << ' ' << body;
            EXPECT_TRUE(response->closes());
        }
        for (const auto* cut_off : {"Content-Length: 5\r\n\r\nhel", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
                                    "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", "Content-Length: 5\r\n\r\n"}) {
            HttpClient client{server.port()};
            client.send(request(line, cut_off));
            client.finish_sending();
            const auto response = client.receive(HttpClient::Body::none);
            ASSERT_TRUE(response) << line << cut_off;
            EXPECT_EQ(response->status, 400u) << line << ' ' << cut_off;
        }
    }
    EXPECT_EQ(run, 0);
}

TEST_F(SessionEnds, ARouteWithoutABodyReadsASmallOneAndRefusesALargeOne) {
    HttpTestServer server{routes()};
    HttpClient client{server.port()};
    for (const auto* target : {"/no-body", "/cached"}) {
        client.send(request("GET " + std::string{target}, std::string{chunked} + "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"));
        EXPECT_EQ(client.receive()->status, 200u);
        EXPECT_EQ(client.request("GET", target, std::string(100'000, 'x'), "Content-Encoding: gzip\r\n").status, 200u)
            << "nobody wants it, so its coding does not matter";
    }
    client.send(request("GET /cached", "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"));
    EXPECT_EQ(client.receive()->status, 100u);
    client.send("hello");
    EXPECT_EQ(client.receive()->status, 200u);
    EXPECT_EQ(client.request("GET", "/small", std::string(10, 'x')).status, 200u);
    EXPECT_EQ(run, 6);
    const auto refused = client.request("GET", "/small", std::string(11, 'x'));
    EXPECT_EQ(refused.status, 413u);
    EXPECT_FALSE(refused.closes()) << "so little is discarded";
    EXPECT_EQ(run, 6);
}

TEST_F(SessionEnds, AClientThatHasEndedItsSideGetsItsAnswer) {
    HttpTestServer server{routes()};
    HttpClient client{server.port()};
    client.send(request("GET /held", "\r\n"));
    client.finish_sending();
    const auto response = client.receive();
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 200u);
    EXPECT_EQ(response->body, "held");
    EXPECT_TRUE(client.wait_closed());
}

TEST_F(SessionEnds, AClientThatHasClosedEndsItsHandler) {
    hold = 60s;
    HttpTestServer server{routes()};
    {
        HttpClient client{server.port()};
        client.send(request("GET /held", "\r\n"));
        held.get_future().wait();
    }
    EXPECT_EQ(gone.get_future().wait_for(20s), std::future_status::ready);
}

TEST_F(SessionEnds, AReaderSlowerThanTheMinimumRateIsCutOff) {
    ServerSettings settings;
    settings.timeouts.request = 100ms;
    settings.min_rate = 1'000'000'000;
    HttpTestServer server{routes(), settings};
    EXPECT_LT(read_slowly(server.port(), request("GET /large", "\r\n")), 64u * 1024 * 1024);
    EXPECT_TRUE(
        eventually([&] { return server.metrics.render().find("sluice_http_connections 0\n") != std::string::npos; }));
    EXPECT_THAT(server.metrics.render(), HasSubstr("sluice_http_slow_clients_total{direction=\"answer\"} 1\n"));
}

TEST_F(SessionEnds, ABodySlowerThanTheMinimumRateIs408) {
    ServerSettings settings;
    settings.timeouts.body = 900ms;
    settings.min_rate = 1'000'000;
    HttpTestServer server{routes(), settings};
    HttpClient client{server.port()};
    client.send(request("POST /body", "Content-Length: 100\r\n\r\nx"));
    EXPECT_EQ(client.receive()->status, 408u);
    EXPECT_THAT(server.metrics.render(), HasSubstr("sluice_http_slow_clients_total{direction=\"body\"} 1\n"));
}

TEST_F(SessionEnds, RefusedHeadsCountAgainstTheirAddress) {
    HttpTestServer server{routes()};
    memory::RateLimiter local;
    const std::map<std::string, Tier> tiers{{"anonymous", {{{6, 60s}}}}};
    const middleware::LimitedClients clients;
    const middleware::RefusedHeads heads{local, tiers, clients, {}, server.metrics};
    const auto site = std::make_shared<const Site>(
        Site{Pipeline{Router{routes()}, {}, 5s}, {}, {}, [&](auto peer, auto head) { return heads.count(peer, head); }});
    Listener listener{server.loops, site, server.metrics, Listener::Mode::serving};
    listener.open("127.0.0.1:0");
    listener.start();
    const auto status = [&](const std::string& head) {
        HttpClient client{listener.port()};
        client.send(head + "\r\n\r\n");
        return client.receive()->status;
    };
    EXPECT_EQ(status("BREW / HTTP/1.1\r\nHost: a"), 501u);
    EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: a\r\nExpect: 200"), 417u);
    EXPECT_EQ(status("GET / HTTP/1.1"), 400u);
    EXPECT_EQ(status("GET / HTTP/3.0\r\nHost: a"), 505u);
    EXPECT_EQ(status("GET /" + std::string(9000, 'x') + " HTTP/1.1\r\nHost: a"), 414u);
    EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(40'000, 'x')), 431u);
    EXPECT_EQ(status("BREW / HTTP/1.1\r\nHost: a"), 429u);
    EXPECT_EQ(status("GET / HTTP/1.1"), 429u);
    EXPECT_EQ(status("GET /cached HTTP/1.1\r\nHost: a"), 200u) << "that is for the pipeline's steps to decide";
    EXPECT_TRUE(listener.drain(Deadline::after(Clock::now(), 10s)));
}

TEST_F(SessionEnds, ACodedBodysRefusalSaysWhatWouldDo) {
    HttpTestServer server{routes()};
    const auto response = test::http_post(server.port(), "/body", "x", "Content-Encoding: gzip\r\n");
    EXPECT_EQ(response.status, 415u);
    EXPECT_EQ(response.header("Accept-Encoding"), "identity");
}

}  // namespace sluice::http

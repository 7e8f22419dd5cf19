// What becomes of a connection whose client does not take its answers, or not quickly.
#include "sluice/response.hpp"
#include "support/http_client.hpp"
#include "support/http_test_server.hpp"
#include "support/process.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace sluice::http {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::HttpClient;
using test::HttpTestServer;
using test::make_route;

constexpr std::size_t more_than_a_socket_holds = 32 * 1024 * 1024;

/// Answers at once, but for the handlers that say otherwise.
class SessionWrites : public ::testing::Test {
protected:
    std::vector<Route> routes() {
        std::vector<Route> list;
        const auto add = [&list](std::string pattern, std::function<Outcome(Exchange&)> eager) {
            Route route;
            route.pattern = std::move(pattern);
            route.eager = std::move(eager);
            list.push_back(std::move(route));
        };
        add("/bytes/{count}",
            [](Exchange& e) { return Response::text(200, std::string(std::stoul(e.path_values.at(0)), 'x')); });
        add("/last/{count}", [this](Exchange& e) {
            begun.set_value();
            return Response::text(200, std::string(std::stoul(e.path_values.at(0)), 'x'));
        });
        // Holds its loop up, so that nothing is written meanwhile.
        add("/gate", [this](Exchange&) {
            begun.set_value();
            opened.get_future().wait();
            return Response::text(200, "open");
        });
        add("/counted", [this](Exchange&) {
            ++counted;
            return Response::text(200, "counted");
        });
        list.push_back(make_route(Method::get, "/waits", [](Exchange& e) -> awaitable<Response> {
            co_await boost::asio::post(e.executor, use_awaitable);
            co_return Response::text(200, "waited");
        }));
        return list;
    }

    static std::string get(const std::string& target) { return "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n"; }

    bool eventually_without_connections(const HttpTestServer& server) {
        return eventually([&] { return server.metrics.render().find("sluice_http_connections 0\n") != std::string::npos; });
    }

    /// Returns once both loops are draining.
    std::future<bool> drain(HttpTestServer& server) {
        HttpClient idle_on_one_loop{server.port()};
        HttpClient idle_on_the_other{server.port()};
        for (auto* idle : {&idle_on_one_loop, &idle_on_the_other}) {
            EXPECT_EQ(idle->request("GET", "/bytes/1").status, 200u);  // so it was accepted
        }
        auto drained =
            std::async(std::launch::async, [&server] { return server.listener->drain(Deadline::after(Clock::now(), 60s)); });
        EXPECT_TRUE(idle_on_one_loop.wait_closed());
        EXPECT_TRUE(idle_on_the_other.wait_closed());
        return drained;
    }

    std::promise<void> begun, opened;
    std::atomic<int> counted{0};
};

}  // namespace

TEST_F(SessionWrites, NothingIsServedBehindAnswersThatCouldNotBeWritten) {
    std::string many;  // more than is gathered
    for (int i = 0; i < 20; ++i) many += get("/bytes/8000");
    const std::vector<std::pair<std::string, std::string>> causes{{"what waits lets those before it out", get("/waits")},
                                                                  {"too large to be copied", get("/bytes/50000")},
                                                                  {"enough was gathered", many}};
    for (const auto& [why, request] : causes) {
        begun = {};
        opened = {};
        counted = 0;
        HttpTestServer server{routes()};
        HttpClient client{server.port()};
        client.send(get("/bytes/3") + get("/gate") + request + get("/counted"));
        begun.get_future().wait();  // all of it has arrived: it was sent in one piece
        client.reset();
        opened.set_value();
        EXPECT_TRUE(eventually_without_connections(server)) << why;
        EXPECT_EQ(counted, 0) << why;
    }
}

TEST_F(SessionWrites, AConnectionEndsWhenAllThatWasGatheredCannotBeWritten) {
    HttpTestServer server{routes()};
    HttpClient client{server.port()};
    client.send(get("/bytes/3") + get("/gate") + get("/counted"));
    begun.get_future().wait();
    client.reset();
    opened.set_value();
    EXPECT_TRUE(eventually_without_connections(server));
    EXPECT_EQ(counted, 1) << "nobody knew yet that it was in vain";
}

TEST_F(SessionWrites, ADrainLetsALargeAnswerArriveWhole) {
    HttpTestServer server{routes()};
    HttpClient slow{server.port()};
    slow.send(get("/last/" + std::to_string(more_than_a_socket_holds)));
    begun.get_future().wait();
    auto drained = drain(server);
    EXPECT_EQ(drained.wait_for(0s), std::future_status::timeout);
    const auto answer = slow.receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, std::string(more_than_a_socket_holds, 'x'));
    EXPECT_TRUE(slow.wait_closed());
    EXPECT_TRUE(drained.get());
}

TEST_F(SessionWrites, ADrainLetsGatheredAnswersArriveWhole) {
    constexpr int requests = 8;  // as many as go out in one write
    HttpTestServer server{routes()};
    auto slow = HttpClient::narrow(server.port());
    std::string all;
    for (int i = 1; i < requests; ++i) all += get("/bytes/8000");
    slow.send(all + get("/last/8000"));
    begun.get_future().wait();
    auto drained = drain(server);
    EXPECT_EQ(drained.wait_for(0s), std::future_status::timeout);
    for (int i = 0; i < requests; ++i) {
        const auto answer = slow.receive();
        ASSERT_TRUE(answer) << i;
        EXPECT_EQ(answer->body, std::string(8000, 'x')) << i;
        EXPECT_FALSE(answer->closes()) << "it was written before the drain";
    }
    EXPECT_TRUE(slow.wait_closed());
    EXPECT_TRUE(drained.get());
}

}  // namespace sluice::http

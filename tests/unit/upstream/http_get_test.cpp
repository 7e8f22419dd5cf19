#include "upstream/http_get.hpp"
#include "support/http_test_server.hpp"

#include <gtest/gtest.h>
#include <boost/asio/ip/tcp.hpp>

#include <stop_token>
#include <thread>

namespace sluice::upstream {
namespace {

using namespace std::chrono_literals;

awaitable<Response> answer(Exchange& exchange) {
    const auto& path = exchange.route->pattern;
    if (path == "/large") co_return Response::text(200, std::string(5000, 'x'));
    if (path == "/moved") {
        auto response = Response::empty(302);
        response.headers.add("Location", "/keys");
        co_return response;
    }
    co_return Response::json(200, R"({"accept":")" + std::string{exchange.request.header("Accept").value_or("")} + "\"}");
}

class HttpGetTest : public ::testing::Test {
protected:
    static std::vector<Route> routes() {
        std::vector<Route> made;
        for (const auto* path : {"/keys", "/large", "/moved"}) made.push_back(test::make_route(Method::get, path, answer));
        return made;
    }
    Url url(const std::string& target) const { return {false, "127.0.0.1", std::to_string(server_.port()), target}; }

    test::HttpTestServer server_{routes()};
};

std::string failure_of(const Url& url, const GetOptions& options = {}) {
    const auto result = http_get(url, options);
    return result ? "" : result.error().reason;
}

}  // namespace

TEST_F(HttpGetTest, BringsTheBody) {
    const auto body = http_get(url("/keys?a=b"), {});
    ASSERT_TRUE(body) << body.error().reason;
    EXPECT_EQ(*body, R"({"accept":"application/json"})");
}

TEST_F(HttpGetTest, OnlyA200IsAnAnswer) {
    EXPECT_EQ(failure_of(url("/nothing")), "the answer's status is 404, not 200");
    EXPECT_EQ(failure_of(url("/moved")), "the answer's status is 302, not 200") << "redirections are not followed";
}

TEST_F(HttpGetTest, ALargeBodyIsRefused) {
    GetOptions options;
    options.max_body = 4096;
    EXPECT_NE(failure_of(url("/large"), options), "");
    options.max_body = 5000;
    EXPECT_EQ(failure_of(url("/large"), options), "");
}

TEST_F(HttpGetTest, ForTlsAPlainServerIsNone) {
    auto secure = url("/keys");
    secure.tls = true;
    EXPECT_NE(failure_of(secure), "");
}

TEST(HttpGet, EndsAtItsTimeoutOrWhenStopped) {
    // Takes connections, by its queue, and never answers.
    boost::asio::io_context context;
    boost::asio::ip::tcp::acceptor silent{context, {boost::asio::ip::make_address("127.0.0.1"), 0}};
    const Url url{false, "127.0.0.1", std::to_string(silent.local_endpoint().port()), "/"};
    GetOptions options;
    options.timeout = 50ms;
    EXPECT_EQ(failure_of(url, options), "no answer in time");
    options.timeout = 1h;
    std::stop_source stop;
    std::jthread stopper{[&] { stop.request_stop(); }};
    EXPECT_EQ(http_get(url, options, stop.get_token()).error().reason, "stopped");
}

TEST(HttpGet, NobodyThereIsAFailure) {
    boost::asio::io_context context;
    boost::asio::ip::tcp::acceptor gone{context, {boost::asio::ip::make_address("127.0.0.1"), 0}};
    const Url url{false, "127.0.0.1", std::to_string(gone.local_endpoint().port()), "/"};
    gone.close();
    EXPECT_EQ(failure_of(url), "Connection refused");
}

}  // namespace sluice::upstream

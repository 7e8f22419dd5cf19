#include "http/fixed_headers.hpp"

#include "support/http_client.hpp"
#include "support/http_test_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::http {
namespace {

using test::HttpClient;
using test::HttpResponse;
using test::HttpTestServer;
using test::make_route;

std::string appended(const FixedHeaders& fixed, const HeaderBlock& own) {
    std::string out;
    fixed.append_to(out, own);
    return out;
}

auto count(const HttpResponse& response, std::string_view name) {
    return std::count_if(response.headers.begin(), response.headers.end(),
                         [&](const auto& field) { return equal_ignoring_case(field.first, name); });
}

void expect_defaults(const HttpResponse& response) {
    for (const auto& [name, value] : ServerSettings::default_headers()) {
        EXPECT_EQ(response.header(name), value) << response.status;
        EXPECT_EQ(count(response, name), 1) << response.status;
    }
}

awaitable<Response> hello(Exchange&) { co_return Response::text(200, "hello"); }
awaitable<Response> broken(Exchange&) { throw std::runtime_error{"out of order"}; }
awaitable<Response> page(Exchange&) {
    Response response = Response::text(200, "hello");
    response.headers.add("content-security-policy", "default-src 'self'");
    response.headers.add("Content-Security-Policy-Report-Only", "default-src 'none'");
    co_return response;
}

std::vector<Route> routes() {
    std::vector<Route> made;
    made.push_back(make_route(Method::get, "/", hello));
    made.push_back(make_route(Method::get, "/broken", broken));
    made.push_back(make_route(Method::get, "/page", page));
    return made;
}

}  // namespace

TEST(FixedHeaders, AreAppendedUnlessTheAnswerHasThem) {
    const FixedHeaders fixed{std::map<std::string, std::string>{{"A", "1"}, {"B-C", "2"}}};
    HeaderBlock own;
    EXPECT_EQ(appended(fixed, own), "A: 1\r\nB-C: 2\r\n");
    own.add("B-CD", "x");
    own.add("AB", "x");
    own.add("X", "A: 1");
    EXPECT_EQ(appended(fixed, own), "A: 1\r\nB-C: 2\r\n") << "these are other names";
    own.add("b-c", "x");
    EXPECT_EQ(appended(fixed, own), "A: 1\r\n");
    own.add("a", "");
    EXPECT_EQ(appended(fixed, own), "");
    EXPECT_EQ(appended(FixedHeaders{}, own), "");
}

TEST(FixedHeaders, RefuseResponseSplitting) {
    using Fields = std::map<std::string, std::string>;
    EXPECT_THROW((FixedHeaders{Fields{{"A", "1\r\nB: 2"}}}), std::invalid_argument);
    EXPECT_THROW((FixedHeaders{Fields{{"A:", "1"}}}), std::invalid_argument);
}

TEST(FixedHeaders, AreOnEveryAnswerOfThePublicListener) {
    const HttpTestServer server{routes()};
    HttpClient client{server.port()};
    const auto status = [&](const char* method, const char* path) {
        const auto response = client.request(method, path);
        expect_defaults(response);
        return response.status;
    };
    EXPECT_EQ(status("GET", "/"), 200u);
    EXPECT_EQ(status("GET", "/nothing"), 404u);
    EXPECT_EQ(status("DELETE", "/"), 405u);
    EXPECT_EQ(status("OPTIONS", "/"), 204u);
    EXPECT_EQ(status("GET", "/broken"), 500u);
    client.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_defaults(client.receive(HttpClient::Body::none).value());
    client.send("NONSENSE\r\n\r\n");
    const auto malformed = client.receive().value();
    EXPECT_EQ(malformed.status, 400u);
    expect_defaults(malformed);
}

TEST(FixedHeaders, AreOnTheAnswerToOneConnectionTooMany) {
    ServerSettings settings;
    settings.limits.connections = 1;
    const HttpTestServer server{routes(), settings};
    HttpClient first{server.port()};
    EXPECT_EQ(first.request("GET", "/").status, 200u);
    HttpClient second{server.port()};
    const auto refused = second.receive().value();
    EXPECT_EQ(refused.status, 503u);
    expect_defaults(refused);
}

TEST(FixedHeaders, AHandlersOwnValueStands) {
    const HttpTestServer server{routes()};
    const auto response = test::http_get(server.port(), "/page");
    EXPECT_EQ(response.header("Content-Security-Policy"), "default-src 'self'");
    EXPECT_EQ(count(response, "Content-Security-Policy"), 1);
    EXPECT_EQ(response.header("X-Content-Type-Options"), "nosniff");
}

TEST(FixedHeaders, AreWhatTheSettingsSay) {
    ServerSettings settings;
    settings.headers = {{"Strict-Transport-Security", "max-age=31536000"}};
    const HttpTestServer server{routes(), settings};
    const auto response = test::http_get(server.port(), "/");
    EXPECT_EQ(response.header("Strict-Transport-Security"), "max-age=31536000");
    EXPECT_EQ(response.header("X-Content-Type-Options"), std::nullopt);
}

}  // namespace sluice::http

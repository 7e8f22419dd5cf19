#include "upstream/request_head.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace sluice::upstream {
namespace {

using Fields = std::vector<UpstreamRequest::Field>;

UpstreamRequest get(std::string target = "/a?b=c") {
    UpstreamRequest request;
    request.target = std::move(target);
    return request;
}

std::string head_of(const UpstreamRequest& request, const FieldRules& rules = {}) {
    const auto head = request_head(request, rules, "quotes.example:8080");
    return head ? *head : "refused: " + head.error().reason;
}

bool has_line(const std::string& head, const std::string& line) { return head.find("\r\n" + line + "\r\n") != head.npos; }

std::size_t lines_named(const std::string& head, std::string_view name) {
    std::size_t count = 0;
    for (auto at = head.find("\r\n"); at != head.npos; at = head.find("\r\n", at + 2))
        count += equal_ignoring_case(head.substr(at + 2, name.size() + 1), std::string{name} + ":");
    return count;
}

FieldRules rules_of(const UpstreamSettings& settings) { return FieldRules{settings}; }

}  // namespace

TEST(RequestHead, IsWrittenAnew) {
    const auto head = head_of(get());
    EXPECT_TRUE(head.starts_with("GET /a?b=c HTTP/1.1\r\nHost: quotes.example:8080\r\n"));
    EXPECT_TRUE(has_line(head, "Accept-Encoding: identity"));
    EXPECT_TRUE(has_line(head, "Via: 1.1 sluice"));
    EXPECT_EQ(lines_named(head, "User-Agent"), 1u);
    EXPECT_EQ(std::count(head.begin(), head.end(), '\n'), 6) << head;
}

TEST(RequestHead, ABodyHasItsLengthAndOneThatIsUsualIsSaidToBeEmpty) {
    auto request = get();
    EXPECT_EQ(lines_named(head_of(request), "Content-Length"), 0u);
    request.method = "POST";
    EXPECT_TRUE(has_line(head_of(request), "Content-Length: 0"));
    request.body = "twelve bytes";
    EXPECT_TRUE(has_line(head_of(request), "Content-Length: 12"));
    request.method = "DELETE";
    EXPECT_TRUE(has_line(head_of(request), "Content-Length: 12"));
}

TEST(RequestHead, FieldsOfTheConnectionGoNoFurther) {
    auto request = get();
    request.passed_on = {{"Connection", "close, X-Hop"},
                         {"X-Hop", "1"},
                         {"Keep-Alive", "timeout=5"},
                         {"TE", "trailers"},
                         {"Trailer", "X"},
                         {"Upgrade", "h2c"},
                         {"Transfer-Encoding", "chunked"},
                         {"Content-Length", "99"},
                         {"Proxy-Authorization", "x"},
                         {"Expect", "100-continue"},
                         {"HTTP2-Settings", "x"},
                         {"Proxy-Connection", "close"},
                         {"Content_Length", "7"},
                         {"Transfer_Encoding", "chunked"},
                         {"X-Stays", "yes"}};
    const auto head = head_of(request);
    EXPECT_TRUE(has_line(head, "X-Stays: yes"));
    EXPECT_EQ(std::count(head.begin(), head.end(), '\n'), 7) << head;
}

TEST(RequestHead, WhoAsksIsSaidByUsAlone) {
    auto request = get();
    request.caller = {.address = "203.0.113.9",
                      .host = "api.example",
                      .traceparent = "00-a-b-01",
                      .request_id = "r1",
                      .id = "key 1%",
                      .tier = "pro",
                      .scopes = "read write"};
    request.passed_on = {{"X-Forwarded-For", "6.6.6.6"}, {"x-forwarded-port", "1"},   {"Forwarded", "for=6.6.6.6"},
                         {"X-Real-IP", "6.6.6.6"},       {"X-Consumer-Id", "root"},   {"X_Consumer_Id", "root"},
                         {"X-Consumer-Other", "x"},      {"Traceparent", "old"},      {"X-Request-ID", "old"},
                         {"Host", "elsewhere"},          {"Authorization", "Bearer"}, {"X-API-Key", "slk_x"},
                         {"x_api_key", "slk_x"}};
    const auto plain = head_of(request);
    EXPECT_TRUE(has_line(plain, "X-Forwarded-For: 203.0.113.9"));
    EXPECT_TRUE(has_line(plain, "X-Forwarded-Host: api.example"));
    EXPECT_TRUE(has_line(plain, "X-Forwarded-Proto: http"));
    EXPECT_TRUE(has_line(plain, "Forwarded: for=203.0.113.9;host=\"api.example\";proto=http"));
    EXPECT_TRUE(has_line(plain, "traceparent: 00-a-b-01"));
    EXPECT_TRUE(has_line(plain, "X-Request-Id: r1"));
    EXPECT_EQ(plain.find("6.6.6.6"), plain.npos);
    EXPECT_EQ(plain.find("root"), plain.npos);
    EXPECT_EQ(plain.find("slk_"), plain.npos);
    EXPECT_EQ(lines_named(plain, "Host"), 1u);
    EXPECT_EQ(lines_named(plain, "Authorization"), 0u);
    EXPECT_EQ(plain.find("X-Consumer"), plain.npos) << "identity is not forwarded unless the settings say so";

    UpstreamSettings settings;
    settings.identity = {.forward = true, .authorization = true};
    const auto forwarded = head_of(request, rules_of(settings));
    EXPECT_TRUE(has_line(forwarded, "X-Consumer-Id: key%201%25"));
    EXPECT_TRUE(has_line(forwarded, "X-Consumer-Tier: pro"));
    EXPECT_TRUE(has_line(forwarded, "X-Consumer-Scopes: read write"));
    EXPECT_TRUE(has_line(forwarded, "Authorization: Bearer"));
    EXPECT_EQ(lines_named(forwarded, "X-Consumer-Id"), 1u);
}

TEST(RequestHead, AnAddressOfVersion6IsQuoted) {
    auto request = get();
    request.caller.address = "2001:db8::1";
    EXPECT_TRUE(has_line(head_of(request), "Forwarded: for=\"[2001:db8::1]\";proto=http"));
    request.caller.host = "a\";b";
    EXPECT_EQ(lines_named(head_of(request), "X-Forwarded-Host"), 0u) << "what needs quoting is left out";
}

TEST(RequestHead, RulesSetAndRemove) {
    UpstreamSettings settings;
    settings.headers.set = {{"X-Client", "sluice"}, {"Host", "tenant.example"}, {"User-Agent", "mine"}};
    settings.headers.remove = {"Cookie"};
    auto request = get();
    request.passed_on = {{"cookie", "a=b"}, {"x-client", "spoofed"}, {"Accept", "*/*"}, {"Accept-Encoding", "br"}};
    request.own = {{"Accept", "application/json"}};
    const auto head = head_of(request, rules_of(settings));
    EXPECT_TRUE(has_line(head, "X-Client: sluice"));
    EXPECT_TRUE(has_line(head, "Host: tenant.example"));
    EXPECT_TRUE(has_line(head, "User-Agent: mine"));
    EXPECT_TRUE(has_line(head, "Accept: application/json"));
    EXPECT_TRUE(has_line(head, "Accept-Encoding: br"));
    for (const auto* one : {"X-Client", "Host", "User-Agent", "Accept", "Accept-Encoding"})
        EXPECT_EQ(lines_named(head, one), 1u) << one;
    EXPECT_EQ(head.find("a=b"), head.npos);
}

TEST(RequestHead, ViaIsAddedTo) {
    auto request = get();
    request.passed_on = {{"Via", "1.0 fred"}, {"via", "1.1 p"}};
    EXPECT_TRUE(has_line(head_of(request), "Via: 1.0 fred, 1.1 p, 1.1 sluice"));
}

TEST(RequestHead, WhatWouldEndAPartIsRefused) {
    const auto refused = [](auto change) {
        auto request = get();
        change(request);
        return head_of(request).starts_with("refused: ");
    };
    for (const std::string& bad : std::vector<std::string>{"\r\n", "\n", "\r", std::string(1, '\0')}) {
        EXPECT_TRUE(refused([&](auto& r) { r.target = "/a" + bad + "b"; }));
        EXPECT_TRUE(refused([&](auto& r) { r.method = "GET" + bad; }));
        EXPECT_TRUE(refused([&](auto& r) { r.own = {{"X-A", "a" + bad + "X-B: b"}}; }));
        EXPECT_TRUE(refused([&](auto& r) { r.own = {{"X-A" + bad, "a"}}; }));
        EXPECT_TRUE(refused([&](auto& r) { r.passed_on = {{"X-A", bad}}; }));
        EXPECT_TRUE(refused([&](auto& r) { r.caller.traceparent = bad; }));
        EXPECT_TRUE(refused([&](auto& r) { r.caller.address = bad; }));
    }
    for (const auto* target : {"", "a", "/a b", "/a\tb", "/ä", "/a#b", "http://other/", "*"})
        EXPECT_TRUE(refused([&](auto& r) { r.target = target; })) << target;
    for (const auto* method : {"", "GET ", "CONNECT", "GE T"})
        EXPECT_TRUE(refused([&](auto& r) { r.method = method; })) << method;
    for (const auto* name :
         {"Content-Length", "transfer-encoding", "Connection", "Host", "Upgrade", "Via", "X A", "X:A", ""})
        EXPECT_TRUE(refused([&](auto& r) { r.own = {{name, "1"}}; })) << name;
}

// Whatever is in the parts: one request line, one Host, one length, and no line that is nobody's.
TEST(RequestHead, AThousandHostileRequestsMakeOneHeadEach) {
    const std::vector<std::string> pieces{"\r\n",
                                          "\n",
                                          "\r",
                                          std::string(1, '\0'),
                                          " ",
                                          "\t",
                                          ":",
                                          "HTTP/1.1",
                                          "GET / HTTP/1.1",
                                          "Host: x",
                                          "Content-Length: 5",
                                          "Transfer-Encoding: chunked",
                                          "%0d%0a",
                                          "a",
                                          "\xc4\x8d",
                                          "\x7f",
                                          ",",
                                          "close",
                                          "Connection",
                                          "x-y"};
    std::size_t sent = 0;
    for (unsigned seed = 0; seed < 1000; ++seed) {
        std::mt19937 random{seed};
        const auto text = [&] {
            std::string made;
            for (auto i = random() % 4; i > 0; --i) made += pieces[random() % pieces.size()];
            return made;
        };
        auto request = get("/" + text());
        if (random() % 4 == 0) request.method = text();
        for (auto i = random() % 3; i > 0; --i) request.passed_on.emplace_back(random() % 2 ? "X-A" : text(), text());
        for (auto i = random() % 3; i > 0; --i) request.own.emplace_back(random() % 2 ? "X-B" : text(), text());
        if (random() % 2) request.body = text() + "\r\n\r\nGET /second HTTP/1.1\r\n\r\n";
        request.caller = {.address = text(), .host = text(), .traceparent = text(), .request_id = text(), .id = text()};
        UpstreamSettings settings;
        settings.identity.forward = true;
        const auto head = head_of(request, rules_of(settings));
        if (head.starts_with("refused: ")) continue;
        ++sent;
        EXPECT_EQ(head.find("\r\n\r\n"), head.size() - 4);
        EXPECT_EQ(lines_named(head, "Host"), 1u);
        EXPECT_EQ(lines_named(head, "Content-Length"), request.body ? 1u : 0u);
        EXPECT_EQ(lines_named(head, "Transfer-Encoding"), 0u);
        EXPECT_EQ(head.find('\0'), head.npos);
        for (std::size_t i = 0; i < head.size(); ++i) {
            if (head[i] == '\r') EXPECT_EQ(head[i + 1], '\n');
            if (head[i] == '\n') EXPECT_EQ(head[i - 1], '\r');
        }
        const auto line = head.substr(0, head.find("\r\n"));
        EXPECT_EQ(std::count(line.begin(), line.end(), ' '), 2) << line;
    }
    EXPECT_GT(sent, 20u);
}

TEST(RequestHead, IdempotentMethods) {
    for (const auto* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"}) EXPECT_TRUE(is_idempotent(method));
    for (const auto* method : {"POST", "PATCH", "get", "LINK"}) EXPECT_FALSE(is_idempotent(method));
}

}  // namespace sluice::upstream

#include "config_files.hpp"

#include <gmock/gmock.h>

namespace sluice::config {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace {

/// A service `q` with these lines; the first stands in line 3, column 5.
std::string with_service(const std::string& members) {
    std::string text = "upstreams:\n  q:\n    ";
    for (const char c : members) {
        text += c;
        if (c == '\n') text += "    ";
    }
    return text + "\n";
}

}  // namespace

TEST(Upstreams, DefaultsAreThoseOfTheReference) {
    const auto all = load_text(with_service("url: http://q.internal")).upstreams;
    ASSERT_EQ(all.size(), 1u);
    const auto& one = all[0];
    EXPECT_EQ(one.name, "q");
    ASSERT_EQ(one.endpoints.size(), 1u);
    EXPECT_EQ(one.endpoints[0].url, "http://q.internal");
    EXPECT_EQ(one.resolve, 30s);
    EXPECT_EQ(one.connections, 64u);
    EXPECT_EQ(one.max_body, 8u * 1024 * 1024);
    EXPECT_EQ(one.timeouts.connect, 1s);
    EXPECT_EQ(one.timeouts.response, 5s);
    EXPECT_EQ(one.timeouts.idle, 30s);
    EXPECT_EQ(one.retries.attempts, 1u);
    EXPECT_EQ(one.retries.budget, 20u);
    EXPECT_FALSE(one.retries.keyed);
    EXPECT_EQ(one.breaker.failures, 5u);
    EXPECT_FALSE(one.breaker.rate);
    EXPECT_FALSE(one.health);
    EXPECT_FALSE(one.identity.forward);
    EXPECT_FALSE(one.identity.authorization);
    EXPECT_THAT(load_text("log: {}\n").upstreams, IsEmpty());
}

TEST(Upstreams, EveryKeyIsRead) {
    const auto all =
        load_text(
            with_service("endpoints: [ { url: 'http://a', weight: 3 }, { url: 'https://b:8443' } ]\n"
                         "resolve: 5s\nconnections: 10\nmax_body: 1MiB\n"
                         "timeouts: { connect: 1ms, response: 2s, idle: 0s }\n"
                         "retries: { attempts: 0, budget: 5%, keyed: true }\n"
                         "breaker: { rate: 40%, calls: 7, window: 20s, slow: 1s, slow_rate: 90%, reset: 3s, probes: 1 }\n"
                         "health: { path: '/up?x=1', interval: 1s }\n"
                         "tls: { server_name: b.example }\n"
                         "headers: { set: { X-A: b, Host: c }, remove: [Cookie, X-B] }\n"
                         "identity: [forward, authorization]"))
            .upstreams;
    ASSERT_EQ(all.size(), 1u);
    const auto& one = all[0];
    ASSERT_EQ(one.endpoints.size(), 2u);
    EXPECT_EQ(one.endpoints[0].weight, 3u);
    EXPECT_EQ(one.endpoints[1].url, "https://b:8443");
    EXPECT_EQ(one.resolve, 5s);
    EXPECT_EQ(one.connections, 10u);
    EXPECT_EQ(one.max_body, 1024u * 1024);
    EXPECT_EQ(one.timeouts.connect, 1ms);
    EXPECT_EQ(one.timeouts.response, 2s);
    EXPECT_EQ(one.timeouts.idle, 0s);
    EXPECT_EQ(one.retries.attempts, 0u);
    EXPECT_EQ(one.retries.budget, 5u);
    EXPECT_TRUE(one.retries.keyed);
    ASSERT_TRUE(one.breaker.rate);
    EXPECT_EQ(one.breaker.rate->failed, 40u);
    EXPECT_EQ(one.breaker.rate->calls, 7u);
    EXPECT_EQ(one.breaker.rate->window, 20s);
    EXPECT_EQ(one.breaker.rate->slow, 1s);
    EXPECT_EQ(one.breaker.rate->slow_rate, 90u);
    EXPECT_EQ(one.breaker.reset, 3s);
    EXPECT_EQ(one.breaker.probes, 1u);
    ASSERT_TRUE(one.health);
    EXPECT_EQ(one.health->path, "/up?x=1");
    EXPECT_EQ(one.health->interval, 1s);
    EXPECT_EQ(one.tls.server_name, "b.example");
    EXPECT_EQ(one.headers.set.at("X-A"), "b");
    EXPECT_THAT(one.headers.remove, ElementsAre("Cookie", "X-B"));
    EXPECT_TRUE(one.identity.forward);
    EXPECT_TRUE(one.identity.authorization);
}

TEST(Upstreams, MistakesAreToldInWords) {
    const std::string url = "url: http://q\n";
    expect_mistakes({
        {"upstreams: [a]\n", {"c.yaml:1:12: 'upstreams' must be a mapping, not a list"}},
        {"upstreams: { 'a b': { url: 'http://a' } }\n",
         {"c.yaml:1:14: the name of a service must be 1 to 64 letters, digits, '-' or '_'"}},
        {with_service("connections: 3"), {"c.yaml:2:3: a service needs 'url', or 'endpoints' with several"}},
        {with_service("url: quotes:80"), {"c.yaml:3:10: 'url' must begin with https:// or http://"}},
        {with_service("url: http://q/base"),
         {"c.yaml:3:10: 'url' must end with the host or its port: paths are the routes'"}},
        {with_service("url: http://q?x"), {"c.yaml:3:10: 'url' must end with the host or its port: paths are the routes'"}},
        {with_service("url: http://me:secret@q"), {"c.yaml:3:10: 'url' must not hold a user name or password"}},
        {with_service("url: http://q:0"), {"c.yaml:3:10: 'url' has a port that is none"}},
        {with_service(url + "endpoints: [ { url: 'http://b' } ]"),
         {"c.yaml:4:16: a service has either 'url' or 'endpoints'"}},
        {with_service("endpoints: []"), {"c.yaml:3:16: 'endpoints' is empty"}},
        {with_service("endpoints: [ { url: 'http://b' }, { url: 'http://b:80' } ]"),
         {"c.yaml:3:39: this endpoint is listed twice"}},
        {with_service("endpoints: [ { url: 'http://b', weight: 0 } ]"),
         {"c.yaml:3:45: 'weight' must be a whole number from 1 to 1000, not '0'"}},
        {with_service("endpoints: [ { weight: 2 } ]"), {"c.yaml:3:18: an endpoint needs 'url'"}},
        {with_service(url + "timeout: 5s"), {"c.yaml:4:5: unknown key 'timeout', did you mean 'timeouts'?"}},
        {with_service(url + "timeouts: { respond: 5s }"), {"c.yaml:4:17: unknown key 'respond', did you mean 'response'?"}},
        {with_service(url + "retries: { budget: 20 }"), {"c.yaml:4:24: 'budget' must be a share from 0% to 100%, not '20'"}},
        {with_service(url + "retries: { budget: 101% }"),
         {"c.yaml:4:24: 'budget' must be a share from 0% to 100%, not '101%'"}},
        {with_service(url + "breaker: { rate: 0% }"), {"c.yaml:4:22: 'rate' must be a share from 1% to 100%, not '0%'"}},
        {with_service(url + "breaker: { rate: 50%, failures: 3 }"),
         {"c.yaml:4:37: 'failures' is another rule than 'rate': one of them"}},
        {with_service(url + "breaker: { calls: 3 }"),
         {"c.yaml:4:23: 'calls' belongs to 'rate' or 'slow', which is missing"}},
        {with_service(url + "health: { interval: 1s }"), {"c.yaml:4:13: 'health' needs 'path'"}},
        {with_service(url + "health: { path: up }"), {"c.yaml:4:21: 'path' must begin with '/' and be percent-encoded"}},
        {with_service(url + "tls: { server_name: a }"), {"c.yaml:4:10: 'tls' is of no use: no endpoint has https://"}},
        {with_service("url: https://q\ntls: { certificate: a.pem }"),
         {"c.yaml:4:10: 'tls' needs both 'certificate' and 'key', or neither"}},
        {with_service(url + "headers: { set: { Connection: close } }"),
         {"c.yaml:4:23: 'Connection' differs from request to request and is managed by Sluice"}},
        {with_service(url + "headers: { set: { X-A: a, x-a: b } }"),
         {"c.yaml:4:31: 'x-a' is set twice; case does not matter in its name"}},
        {with_service(url + "headers: { set: { X-A: \"a\\r\\nX-B: b\" } }"),
         {"c.yaml:4:28: the value of 'X-A' must be one line of ASCII, without blanks around it"}},
        {with_service(url + "identity: all"),
         {"c.yaml:4:15: 'identity' must be 'forward', 'authorization' or both in a list, not 'all'"}},
    });
}

TEST(Upstreams, FilesOfTlsAreReadBeforehand) {
    ConfigFiles files;
    files.write("c.yaml", with_service("url: https://q\ntls: { ca: missing.pem }"));
    const auto missing = files.mistakes();
    ASSERT_EQ(missing.size(), 1u);
    EXPECT_THAT(missing[0], ::testing::HasSubstr("missing.pem' holds no certificate of an authority"));
    files.write("bad.pem", "nothing of the kind");
    files.write("c.yaml", with_service("url: https://q\ntls: { certificate: bad.pem, key: bad.pem }"));
    const auto bad = files.mistakes();
    ASSERT_EQ(bad.size(), 1u);
    EXPECT_THAT(bad[0], ::testing::HasSubstr("bad.pem' holds no certificate"));
}

TEST(Upstreams, WhatIsSentToAServiceIsShownNowhere) {
    const auto mistakes = mistakes_in(with_service("url: http://q\nheaders: { set: [topsecret1], remove: topsecret2 }"));
    for (const auto& line : mistakes) EXPECT_THAT(line, ::testing::Not(::testing::HasSubstr("topsecret")));
    EXPECT_EQ(mistakes.size(), 2u);
}

}  // namespace sluice::config

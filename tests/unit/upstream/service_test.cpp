// A service of the engine before origins that misbehave.
#include "support/upstream_fixture.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <atomic>
#include <map>

namespace sluice::upstream {
namespace {

using namespace std::chrono_literals;
using test::Origin;
using test::OriginAnswer;
using test::OriginRequest;

class ServiceTest : public test::UpstreamFixture {
protected:
    std::size_t requests_with(const Origin& origin, std::string_view method) {
        const auto all = origin.requests();
        return static_cast<std::size_t>(
            std::count_if(all.begin(), all.end(), [&](const OriginRequest& one) { return one.method == method; }));
    }
    std::string metric(const std::string& line) {
        const auto text = metrics.render();
        const auto at = text.find("\n" + line + " ");
        if (at == text.npos) return "none";
        const auto begin = at + line.size() + 2;
        return text.substr(begin, text.find('\n', begin) - begin);
    }
};

/// Its breaker never opens.
UpstreamSettings patient(UpstreamSettings settings) {
    settings.breaker.failures = 1'000'000;
    return settings;
}

}  // namespace

TEST_F(ServiceTest, EachMisbehaviourHasItsName) {
    Origin origin;
    auto settings = patient(before({&origin}));
    start(settings);
    const std::vector<std::pair<std::string, std::string>> cases{
        {"/ok", "200 ok"},
        {"/chunked", "200 ok"},
        {"/until-close", "200 ok"},
        {"/interim", "200 ok"},
        {"/close-after", "200 ok"},
        {"/404", "404 no"},
        {"/500", "500 no"},
        {"/503", "503 no"},
        {"/reset", "reset"},
        {"/close-without-word", "reset"},
        {"/cut-off-head", "cut_off"},
        {"/cut-off-body", "cut_off"},
        {"/cut-off-chunk", "cut_off"},
        {"/garbage", "not_http"},
        {"/wrong-length", "200 ok"},
        {"/two-lengths", "not_http"},
        {"/length-and-chunked", "not_http"},
        {"/bad-chunk", "not_http"},
        {"/huge-head", "not_http"},
        {"/endless-head", "not_http"},
        {"/endless-body", "body_too_large"},
        {"/interim-forever", "not_http"},
        {"/ok with a blank", "invalid"},
    };
    for (const auto& [target, outcome] : cases) EXPECT_EQ(say(target), outcome) << target;
    for (const auto& [target, outcome] : cases) EXPECT_EQ(say(target), outcome) << target << " once more";
}

TEST_F(ServiceTest, WhatDoesNotComeInTimeTimesOut) {
    Origin origin;
    auto settings = patient(before({&origin}));
    settings.timeouts.response = 150ms;
    start(settings);
    for (const auto* target : {"/hang", "/slow-head", "/slow-body", "/hang"}) EXPECT_EQ(say(target), "timed_out") << target;
}

TEST_F(ServiceTest, NobodyThereIsRefused) {
    Origin origin;
    start(before({&origin}));
    origin.go_away();
    EXPECT_EQ(say("/ok"), "refused");
    EXPECT_EQ(say(ask(post("/ok"))), "refused");
    EXPECT_EQ(origin.request_count(), 0u);
}

TEST_F(ServiceTest, AServiceThatNeverReadsTimesOut) {
    Origin origin;
    origin.never_read();
    auto settings = before({&origin});
    settings.timeouts.response = 150ms;
    start(settings);
    EXPECT_EQ(say(ask(post("/ok", std::string(50'000'000, 'x')))), "timed_out");
}

TEST_F(ServiceTest, TheDeadlineIsKept) {
    Origin origin;
    start(before({&origin}));
    EXPECT_EQ(say(ask(get("/hang"), in(50ms))), "timed_out");
    EXPECT_EQ(say(ask(get("/ok"), in(-1s))), "timed_out");
}

TEST_F(ServiceTest, ConnectionsAreKeptAndUsedAgain) {
    Origin origin;
    start(before({&origin}));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(say("/ok"), "200 ok");
    EXPECT_EQ(origin.connection_count(), 1u);
    service->refresh_metrics(Clock::now());
    EXPECT_EQ(metric(R"(sluice_upstream_connections{state="idle",upstream="quotes"})"), "1");
    EXPECT_EQ(metric(R"(sluice_upstream_requests_total{result="ok",upstream="quotes"})"), "20");
    EXPECT_EQ(metric(R"(sluice_upstream_endpoints{state="usable",upstream="quotes"})"), "1");
}

TEST_F(ServiceTest, OneThatWasClosedMeanwhileIsNotUsed) {
    Origin origin;
    start(before({&origin}));
    EXPECT_EQ(say("/ok"), "200 ok");
    origin.close_idle();
    ASSERT_TRUE(becomes_true([&] { return origin.open_count() == 0; }));
    EXPECT_EQ(say(ask(post("/ok"))), "200 ok") << "not even for a request that is sent only once";
    EXPECT_EQ(origin.connection_count(), 2u);
}

TEST_F(ServiceTest, BytesBehindAnAnswerAreNobodysAnswer) {
    Origin origin;
    start(before({&origin}));
    for (const auto* target : {"/wrong-length", "/length-and-chunked", "/two-lengths", "/bad-chunk", "/interim-forever"}) {
        static_cast<void>(say(target));
        EXPECT_EQ(say("/ok"), "200 ok") << "after " << target;
    }
    const auto all = origin.requests();
    std::map<std::size_t, std::vector<std::string>> by_connection;
    for (const auto& one : all) by_connection[one.connection].push_back(one.target);
    for (const auto& [connection, targets] : by_connection) {
        for (std::size_t i = 1; i < targets.size(); ++i) EXPECT_EQ(targets[i - 1], "/ok") << "it was used after that";
    }
}

TEST_F(ServiceTest, AnAnswerThatNobodyAskedForIsNobodys) {
    Origin origin{[](const OriginRequest& request) {
        // Behind the answer comes another one, in a segment of its own.
        if (request.target == "/first")
            return OriginAnswer::ok("first").and_hold().and_send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray");
        return OriginAnswer::ok("second");
    }};
    start(before({&origin}));
    EXPECT_EQ(say("/first"), "200 first");
    origin.release();
    ASSERT_TRUE(becomes_true([&] { return origin.finished_count() == 1; }));
    for (int i = 0; i < 10; ++i) EXPECT_EQ(say("/second"), "200 second");
    EXPECT_EQ(origin.connection_count(), 2u) << "the one with the stray answer was given up";
}

TEST_F(ServiceTest, ManyAtOnceGetTheirOwnAnswers) {
    Origin origin{[](const OriginRequest& request) { return OriginAnswer::ok(request.target); }};
    auto settings = before({&origin});
    settings.connections = 8;
    start(settings);
    std::vector<std::future<Answer>> answers;
    for (int i = 0; i < 400; ++i)
        answers.push_back(send(get("/" + std::to_string(i)), in(1min), static_cast<std::size_t>(i % 2)));
    for (int i = 0; i < 400; ++i) EXPECT_EQ(say(answers[static_cast<std::size_t>(i)].get()), "200 /" + std::to_string(i));
    EXPECT_LE(origin.connection_count(), 8u);
}

TEST_F(ServiceTest, WhoFindsNoConnectionWaitsUntilHisTimeIsOver) {
    Origin origin{[](const OriginRequest&) {
        return OriginAnswer::nothing().and_send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }};
    auto settings = before({&origin});
    settings.connections = 2;  // one a loop
    start(settings);
    auto first = send(get("/a"));
    ASSERT_TRUE(becomes_true([&] { return origin.request_count() == 1; }));
    EXPECT_EQ(say(ask(get("/b"), in(50ms))), "overloaded");
    auto second = send(get("/c"));
    origin.release();
    EXPECT_EQ(say(first.get()), "200 ");
    EXPECT_EQ(say(second.get()), "200 ");
    EXPECT_EQ(origin.connection_count(), 1u);
    EXPECT_EQ(origin.request_count(), 2u) << "/b was never sent";
}

TEST_F(ServiceTest, TheBodyAndTheFieldsArrive) {
    Origin origin;
    start(before({&origin}));
    auto request = post("/ok?x=%20y", R"({"a":1})");
    request.own = {{"Content-Type", "application/json"}};
    request.passed_on = {{"X-Trace", "1"}, {"Connection", "X-Drop"}, {"X-Drop", "1"}};
    request.caller = {.address = "203.0.113.9", .traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"};
    ASSERT_EQ(say(ask(request)), "200 ok");
    const auto seen = origin.requests().at(0);
    EXPECT_EQ(seen.method, "POST");
    EXPECT_EQ(seen.target, "/ok?x=%20y");
    EXPECT_EQ(seen.body, R"({"a":1})");
    EXPECT_EQ(seen.field("Content-Type"), "application/json");
    EXPECT_EQ(seen.field("X-Trace"), "1");
    EXPECT_EQ(seen.field("X-Drop"), std::nullopt);
    EXPECT_EQ(seen.field("X-Forwarded-For"), "203.0.113.9");
    EXPECT_EQ(seen.field("traceparent"), request.caller.traceparent);
    EXPECT_EQ(seen.field("Host"), "127.0.0.1:" + std::to_string(origin.port()));
}

TEST_F(ServiceTest, FieldsOfTheConnectionDoNotComeBack) {
    Origin origin{[](const OriginRequest&) {
        return OriginAnswer::status(200, "x",
                                    "Connection: X-Hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nETag: \"a\"\r\n");
    }};
    start(before({&origin}));
    const auto answer = ask(get("/"));
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->head.fields.size(), 1u);
    EXPECT_EQ(answer->head.field("etag"), "\"a\"");
    EXPECT_EQ(answer->head.content_length, 1u);
}

TEST_F(ServiceTest, HeadHasALengthAndNoBody) {
    Origin origin{[](const OriginRequest& request) {
        if (request.method == "HEAD") return OriginAnswer::bytes("HTTP/1.1 200 OK\r\nContent-Length: 123\r\n\r\n");
        return OriginAnswer::ok("body");
    }};
    start(before({&origin}));
    auto request = get("/");
    request.method = "HEAD";
    const auto answer = ask(request);
    EXPECT_EQ(say(answer), "200 ");
    EXPECT_EQ(answer->head.content_length, 123u);
    EXPECT_EQ(say("/"), "200 body");
    EXPECT_EQ(origin.connection_count(), 1u);
}

TEST_F(ServiceTest, ALargeBodyArrives) {
    Origin origin{[](const OriginRequest&) { return OriginAnswer::ok("x"); }};
    start(before({&origin}));
    EXPECT_EQ(say(ask(post("/", std::string(3'000'000, 'y')))), "200 x");
    EXPECT_EQ(origin.requests().at(0).body.size(), 3'000'000u);
}

// Retries.

TEST_F(ServiceTest, AStaleConnectionIsReplacedOnce) {
    Origin origin{[](const OriginRequest& request) {
        return request.number == 0 ? OriginAnswer::ok("ok") : OriginAnswer::bytes("").and_close();
    }};
    auto settings = patient(before({&origin}));
    settings.retries.attempts = 0;
    start(settings);
    EXPECT_EQ(say("/"), "200 ok");
    EXPECT_EQ(say("/"), "200 ok") << "its answer never came on the old connection, so it was asked over a new one";
    EXPECT_EQ(origin.request_count(), 3u);
    auto request = post("/");
    EXPECT_EQ(say(ask(request)), "reset") << "a POST is sent once";
    EXPECT_EQ(requests_with(origin, "POST"), 1u);
}

TEST_F(ServiceTest, AKeyedRequestIsSentAgainOnlyWhereTheSettingsSaySo) {
    for (const bool keyed : {false, true}) {
        Origin failing{[](const OriginRequest&) { return OriginAnswer::reset(); }};
        Origin working;
        auto settings = patient(before({&failing, &working}));
        settings.retries.keyed = keyed;
        settings.retries.budget = 100;
        auto service_of_keyed = std::make_shared<Service>(settings, loops, metrics);
        if (!service) start(settings);
        service_of_keyed->start();
        const auto upstream = service_of_keyed->route("POST /orders");
        std::size_t failed = 0;
        for (int i = 0; i < 50; ++i) {
            auto request = post("/ok");
            request.keyed = true;
            failed += !send_over(upstream, request, in(1min)).get();
        }
        if (keyed)
            EXPECT_EQ(failed, 0u);
        else
            EXPECT_EQ(failed, failing.request_count()) << "each was sent once";
        service_of_keyed->stop();
    }
}

TEST_F(ServiceTest, IdempotentRequestsGoToAnotherEndpointWhenOneDies) {
    Origin first;
    Origin second;
    Origin third;
    start(before({&first, &second, &third}));
    std::size_t failed = 0;
    for (int i = 0; i < 2000; ++i) {
        if (i == 500) second.go_away();
        failed += say("/ok") != "200 ok";
    }
    EXPECT_LT(failed, 2u);
    service->refresh_metrics(Clock::now());
    EXPECT_EQ(metric(R"(sluice_upstream_endpoints{state="ejected",upstream="quotes"})"), "1");
    EXPECT_EQ(metric(R"(sluice_breaker_state{dependency="upstream:quotes"})"), "0");
    EXPECT_EQ(service->state(Clock::now()), "1 of 3 endpoints out");
}

TEST_F(ServiceTest, NothingThatIsNotIdempotentIsSentTwice) {
    const auto flaky = [](const OriginRequest& request) {
        return request.target.ends_with("7") ? OriginAnswer::reset() : OriginAnswer::ok("ok");
    };
    Origin first{flaky};
    Origin second{flaky};
    auto settings = patient(before({&first, &second}));
    settings.retries.budget = 100;
    start(settings);
    for (int i = 0; i < 300; ++i) static_cast<void>(ask(post("/" + std::to_string(i))));
    std::map<std::string, int> seen;
    for (const auto* origin : {&first, &second}) {
        for (const auto& one : origin->requests()) ++seen[one.target];
    }
    EXPECT_EQ(seen.size(), 300u);
    for (const auto& [target, times] : seen) EXPECT_EQ(times, 1) << target;
}

TEST_F(ServiceTest, RetriesStayWithinTheirBudget) {
    const auto dead = [](const OriginRequest&) { return OriginAnswer::bytes("").and_close(); };
    Origin first{dead};
    Origin second{dead};
    start(patient(before({&first, &second})));
    for (int i = 0; i < 200; ++i) EXPECT_EQ(say("/"), "reset");
    EXPECT_LE(first.request_count() + second.request_count(), 240u);
    EXPECT_GT(first.request_count() + second.request_count(), 200u);
}

TEST_F(ServiceTest, AnAnswerThatBeganIsNotAskedForAgain) {
    Origin first;
    Origin second;
    auto settings = patient(before({&first, &second}));
    settings.retries.budget = 100;
    start(settings);
    for (const auto* target : {"/cut-off-head", "/cut-off-body", "/garbage", "/500", "/503"}) {
        const auto before_it = first.request_count() + second.request_count();
        static_cast<void>(say(target));
        EXPECT_EQ(first.request_count() + second.request_count(), before_it + 1) << target;
    }
}

// Breakers.

TEST_F(ServiceTest, AServiceThatFailsIsLeftAlone) {
    Origin origin;
    start(before({&origin}));
    for (int i = 0; i < 5; ++i) EXPECT_EQ(say("/reset"), "reset");
    const auto refused = ask(get("/ok"));
    ASSERT_EQ(say(refused), "unavailable");
    EXPECT_GT(refused.error().retry_after, 20s);
    EXPECT_EQ(origin.request_count(), 5u);
    EXPECT_EQ(service->state(Clock::now()).substr(0, 41), "breaker open: calls fail; the last: reset");
    EXPECT_EQ(metric(R"(sluice_breaker_state{dependency="upstream:quotes"})"), "1");
}

TEST_F(ServiceTest, ComesBackWithItsTrialCalls) {
    Origin origin;
    auto settings = before({&origin});
    settings.breaker.reset = 1ms;
    start(settings);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(say("/503"), "503 no");
    ASSERT_TRUE(becomes_true([&] { return say("/ok") == "200 ok"; }));
    for (int i = 0; i < 2; ++i) EXPECT_EQ(say("/ok"), "200 ok");
    EXPECT_EQ(service->state(Clock::now()), "ok");
}

TEST_F(ServiceTest, AFiveHundredIsTheRoutesAlone) {
    Origin origin;
    start(before({&origin}));
    const auto other = service->route("GET /v1/other");
    for (int i = 0; i < 5; ++i) EXPECT_EQ(say("/500"), "500 no");
    const auto refused = ask(get("/500"));
    ASSERT_EQ(say(refused), "unavailable");
    EXPECT_TRUE(refused.error().of_the_route);
    EXPECT_EQ(origin.request_count(), 5u) << "exactly so many reached the service";
    EXPECT_EQ(say(send_over(other, get("/ok"), in(1min)).get()), "200 ok");
    EXPECT_EQ(service->route("GET /v1/quotes"), route) << "the same name is the same route";
    EXPECT_EQ(service->state(Clock::now()), "ok");
}

TEST_F(ServiceTest, RefusalsOfOurOwnAndFourHundredsAreNoFailures) {
    Origin origin;
    start(before({&origin}));
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(say("/404"), "404 no");
        EXPECT_EQ(say("/bad target"), "invalid");
        EXPECT_EQ(say(send(get("/endless-body"), in(1min), 0, 10).get()), "body_too_large");
    }
    EXPECT_EQ(say("/ok"), "200 ok");
}

TEST_F(ServiceTest, WhoGoesAwayCancelsAndSaysNothingOfTheService) {
    Origin origin;
    start(before({&origin}));
    for (int i = 0; i < 8; ++i) {
        boost::asio::cancellation_signal gone;
        const auto ended = std::make_shared<std::promise<bool>>();
        auto& loop = loops.serving(0);
        const auto call = [&]() -> awaitable<void> {
            auto request = get("/hang");
            static_cast<void>(co_await route->fetch(std::move(request), 100, Deadline::never()));
        };
        const auto finish = [ended](const std::exception_ptr& error) { ended->set_value(error != nullptr); };
        boost::asio::co_spawn(loop.executor(), call, boost::asio::bind_cancellation_slot(gone.slot(), finish));
        const auto expected = static_cast<std::size_t>(i + 1);
        ASSERT_TRUE(becomes_true([&] { return origin.request_count() == expected; }));
        boost::asio::post(loop.executor(), [&] { gone.emit(boost::asio::cancellation_type::terminal); });
        static_cast<void>(ended->get_future().get());
    }
    EXPECT_EQ(say("/ok"), "200 ok") << "the breaker is closed";
    EXPECT_EQ(metric(R"(sluice_upstream_requests_total{result="cancelled",upstream="quotes"})"), "8");
    service->refresh_metrics(Clock::now());
    EXPECT_EQ(metric(R"(sluice_upstream_connections{state="busy",upstream="quotes"})"), "0");
}

TEST_F(ServiceTest, AStopCutsWhatIsUnderWay) {
    Origin origin;
    start(before({&origin}));
    auto hanging = send(get("/hang"), Deadline::never());
    ASSERT_TRUE(becomes_true([&] { return origin.request_count() == 1; }));
    service->stop();
    EXPECT_FALSE(hanging.get());
    EXPECT_EQ(say("/ok"), "unavailable");
}

// Health.

TEST_F(ServiceTest, AnEndpointThatIsIllGetsNothingUntilItIsWellAgain) {
    std::atomic<bool> ill{true};
    Origin first{[&](const OriginRequest& request) {
        if (request.target == "/health") return OriginAnswer::status(ill ? 503 : 200);
        return OriginAnswer::ok("first");
    }};
    Origin second{[](const OriginRequest&) { return OriginAnswer::ok("second"); }};
    auto settings = before({&first, &second});
    settings.health = UpstreamSettings::Health{"/health", 1ms};
    start(settings);
    ASSERT_TRUE(becomes_true([&] { return service->state(Clock::now()) == "1 of 2 endpoints out"; }));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(say("/"), "200 second");
    service->refresh_metrics(Clock::now());
    EXPECT_EQ(metric(R"(sluice_upstream_endpoints{state="ill",upstream="quotes"})"), "1");
    ill = false;
    ASSERT_TRUE(becomes_true([&] { return say("/") == "200 first"; }));
    EXPECT_EQ(service->state(Clock::now()), "ok");
}

TEST_F(ServiceTest, ANameIsLookedUp) {
    Origin origin;
    auto settings = before({});
    settings.endpoints.push_back({"http://localhost:" + std::to_string(origin.port())});
    start(settings);
    EXPECT_EQ(say("/ok"), "200 ok");
    EXPECT_EQ(origin.requests().at(0).field("Host"), "localhost:" + std::to_string(origin.port()));
}

}  // namespace sluice::upstream

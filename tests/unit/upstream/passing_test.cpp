// Requests and answers that are passed on as they come.
#include "support/upstream_fixture.hpp"

#include <atomic>
#include <deque>
#include <stdexcept>

namespace sluice::upstream {
namespace {

using namespace std::chrono_literals;
using test::Origin;
using test::OriginAnswer;
using test::OriginRequest;

/// Gives these pieces, then ends, throws, or waits.
class Pieces final : public UpstreamBodySource {
public:
    enum class End { complete, thrown };
    Pieces(std::deque<std::string> pieces, bool announced, End end = End::complete) : pieces_{std::move(pieces)}, end_{end} {
        if (!announced) return;
        length_ = 0;
        for (const auto& one : pieces_) *length_ += one.size();
    }
    awaitable<std::string_view> next() override {
        if (pieces_.empty()) {
            if (end_ == End::thrown) throw std::runtime_error{"the client went"};
            co_return std::string_view{};
        }
        current_ = std::move(pieces_.front());
        pieces_.pop_front();
        co_return current_;
    }
    std::optional<std::size_t> length() const override { return length_; }
    void announce(std::size_t bytes) { length_ = bytes; }
    std::size_t left() const { return pieces_.size(); }

private:
    std::deque<std::string> pieces_;
    const End end_;
    std::optional<std::size_t> length_;
    std::string current_;
};

class Collector final : public UpstreamAnswerSink {
public:
    awaitable<void> interim(const UpstreamHead& head) override {
        interims += std::to_string(head.status) + " ";
        co_return;
    }
    awaitable<void> begin(const UpstreamHead& head) override {
        status = head.status;
        ++begun;
        co_return;
    }
    awaitable<void> take(std::string_view bytes) override {
        largest = std::max(largest, bytes.size());
        body += bytes;
        taken += bytes.size();
        if (fails) throw std::runtime_error{"the client went"};
        co_return;
    }

    std::string interims;
    unsigned status = 0;
    int begun = 0;
    std::string body;
    std::size_t largest = 0;
    std::atomic<std::size_t> taken{0};
    bool fails = false;
};

class PassingTest : public test::UpstreamFixture {
protected:
    /// `ok`, the kind of the error, or what was thrown.
    std::string pass(UpstreamRequest request, UpstreamBodySource* source, UpstreamAnswerSink& sink,
                     Deadline head_by = in(1min)) {
        return pass_later(std::move(request), source, sink, head_by).get();
    }
    std::future<std::string> pass_later(UpstreamRequest request, UpstreamBodySource* source, UpstreamAnswerSink& sink,
                                        Deadline head_by = in(1min)) {
        auto promise = std::make_shared<std::promise<std::string>>();
        auto done = promise->get_future();
        boost::asio::co_spawn(loops.serving(0).executor(), outcome(route, std::move(request), source, &sink, head_by),
                              [promise](std::exception_ptr error, std::string said) {
                                  if (error)
                                      promise->set_exception(error);
                                  else
                                      promise->set_value(std::move(said));
                              });
        return done;
    }

private:
    static awaitable<std::string> outcome(std::shared_ptr<Upstream> upstream, UpstreamRequest request,
                                          UpstreamBodySource* source, UpstreamAnswerSink* sink, Deadline head_by) {
        try {
            const auto result = co_await upstream->pass(std::move(request), source, *sink, head_by);
            co_return result ? "ok" : std::string{to_string(result.error().kind)};
        } catch (const std::runtime_error& error) {
            co_return error.what();
        }
    }
};

UpstreamRequest put(std::string target) {
    UpstreamRequest request;
    request.method = "PUT";
    request.target = std::move(target);
    return request;
}

}  // namespace

TEST_F(PassingTest, BodiesGoThroughPieceByPiece) {
    Origin origin{[](const OriginRequest& request) {
        return OriginAnswer::ok(request.field("Transfer-Encoding") ? "chunked" : request.body);
    }};
    start(before({&origin}));
    for (int i = 0; i < 3; ++i) {
        Pieces known{{"one ", "two ", "three"}, true};
        Collector first;
        EXPECT_EQ(pass(put("/"), &known, first), "ok");
        EXPECT_EQ(first.status, 200u);
        EXPECT_EQ(first.body, "one two three");
        Pieces unknown{{"one ", std::string(100'000, 'x')}, false};
        Collector second;
        EXPECT_EQ(pass(put("/"), &unknown, second), "ok");
        EXPECT_EQ(second.body, "chunked");
        Collector third;
        EXPECT_EQ(pass(get("/"), nullptr, third), "ok");
        EXPECT_EQ(third.body, "");
    }
    EXPECT_EQ(origin.connection_count(), 1u) << "the connection was used again each time";
    EXPECT_EQ(origin.requests().at(1).body.substr(0, 9), "4\r\none \r\n");
}

TEST_F(PassingTest, AnswersOfAnySizeNeedLittleMemory) {
    Origin origin{[](const OriginRequest&) { return OriginAnswer::ok(std::string(20'000'000, 'y')); }};
    start(before({&origin}));
    Collector sink;
    EXPECT_EQ(pass(get("/"), nullptr, sink), "ok");
    EXPECT_EQ(sink.body.size(), 20'000'000u);
    EXPECT_LE(sink.largest, 64u * 1024);
}

TEST_F(PassingTest, EachMisbehaviourHasItsName) {
    Origin origin;
    auto settings = before({&origin});
    settings.breaker.failures = 1000;
    start(settings);
    const struct {
        std::string target, outcome;
        int begun;
    } cases[]{
        {"/ok", "ok", 1},
        {"/chunked", "ok", 1},
        {"/until-close", "ok", 1},
        {"/500", "ok", 1},
        {"/reset", "reset", 0},
        {"/garbage", "not_http", 0},
        {"/cut-off-head", "cut_off", 0},
        {"/cut-off-body", "cut_off", 1},
        {"/cut-off-chunk", "cut_off", 1},
        {"/bad-chunk", "not_http", 1},
        {"/two-lengths", "not_http", 0},
    };
    for (const auto& one : cases) {
        Collector sink;
        EXPECT_EQ(pass(get(one.target), nullptr, sink), one.outcome) << one.target;
        EXPECT_EQ(sink.begun, one.begun) << one.target;
        Collector next;
        EXPECT_EQ(pass(get("/ok"), nullptr, next), "ok") << "after " << one.target;
        EXPECT_EQ(next.body, "ok") << "after " << one.target;
    }
}

TEST_F(PassingTest, WhatDoesNotComeInTimeTimesOut) {
    Origin origin;
    auto settings = before({&origin});
    settings.timeouts.response = 150ms;
    settings.breaker.failures = 1000;
    start(settings);
    for (const auto* target : {"/hang", "/slow-head", "/slow-body"}) {
        Collector sink;
        EXPECT_EQ(pass(get(target), nullptr, sink), "timed_out") << target;
        if (std::string_view{target} != "/slow-body") EXPECT_EQ(sink.begun, 0) << target;
    }
}

TEST_F(PassingTest, InterimAnswersArePassedOnAndContinueIsWaitedFor) {
    Origin origin;
    start(before({&origin}));
    Collector hints;
    EXPECT_EQ(pass(get("/interim"), nullptr, hints), "ok");
    EXPECT_EQ(hints.interims, "103 100 ");
    Pieces body{{"hello"}, true};
    auto request = put("/ok");
    request.expects_continue = true;
    Collector sink;
    EXPECT_EQ(pass(request, &body, sink), "ok") << "a service that does not know the field gets its body after a second";
    EXPECT_EQ(origin.requests().back().field("Expect"), "100-continue");
    EXPECT_EQ(origin.requests().back().body, "hello");
}

TEST_F(PassingTest, AServiceThatDoesNotReadIsNotFed) {
    Origin origin;
    origin.never_read();
    auto settings = before({&origin});
    settings.timeouts.response = 150ms;
    start(settings);
    std::deque<std::string> pieces(1000, std::string(64'000, 'x'));
    Pieces body{std::move(pieces), true};
    Collector sink;
    EXPECT_EQ(pass(put("/"), &body, sink), "timed_out");
    EXPECT_GT(body.left(), 500u) << "what is not taken is not asked for";
}

TEST_F(PassingTest, WhatTheClientThrowsComesOut) {
    Origin origin;
    start(before({&origin}));
    Pieces gone{{"half"}, false, Pieces::End::thrown};
    Collector sink;
    EXPECT_EQ(pass(put("/ok"), &gone, sink), "the client went");
    Collector failing;
    failing.fails = true;
    EXPECT_EQ(pass(get("/ok"), nullptr, failing), "the client went");
    EXPECT_EQ(origin.request_count(), 1u) << "half a request is none";
    Collector next;
    EXPECT_EQ(pass(get("/ok"), nullptr, next), "ok");
    EXPECT_EQ(next.body, "ok");
}

TEST_F(PassingTest, ABodyOfAnotherLengthThanAnnouncedMakesNoSecondRequest) {
    Origin origin;
    start(before({&origin}));
    Pieces longer{{"12345", "\r\n\r\nGET /second HTTP/1.1\r\n\r\n"}, true};
    longer.announce(5);
    Collector sink;
    static_cast<void>(pass(put("/ok"), &longer, sink));
    Pieces shorter{{"123"}, true};
    shorter.announce(500);
    Collector other;
    EXPECT_NE(pass(put("/ok"), &shorter, other), "ok");
    Collector next;
    EXPECT_EQ(pass(get("/ok"), nullptr, next), "ok");
    for (const auto& one : origin.requests()) EXPECT_EQ(one.target, "/ok");
}

TEST_F(PassingTest, ARequestWithoutABodyIsTriedElsewhereAndOneWhoseBodyWasTakenIsNot) {
    Origin dead{[](const OriginRequest&) { return OriginAnswer::reset(); }};
    Origin well;
    auto settings = before({&dead, &well});
    settings.retries.budget = 100;
    settings.breaker.failures = 1000;
    start(settings);
    for (int i = 0; i < 30; ++i) {
        Collector sink;
        EXPECT_EQ(pass(get("/ok"), nullptr, sink), "ok");
        EXPECT_EQ(sink.begun, 1);
    }
    EXPECT_GT(dead.request_count(), 0u);
}

}  // namespace sluice::upstream

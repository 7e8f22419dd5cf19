#include "http/pipeline.hpp"

#include "runtime/timer_sweep.hpp"
#include "sluice/problem.hpp"
#include "support/exchange_fixture.hpp"
#include "support/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>

namespace sluice::http {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using Trace = std::vector<std::string>;

/// Notes what happens to it, and does what it is told.
class Probe : public Middleware {
public:
    Probe(std::string name, Trace& trace) : name_{std::move(name)}, trace_{trace} {}

    Step before(Exchange& exchange) override {
        trace_.push_back("before " + name_);
        if (on_before) return on_before(exchange);
        return Proceed{};
    }
    void after(Exchange&, Response& response) noexcept override {
        trace_.push_back("after " + name_ + " " + std::to_string(response.status));
    }
    std::optional<Response> recover(Exchange&, std::exception_ptr error) noexcept override {
        trace_.push_back("recover " + name_);
        return on_recover ? on_recover(error) : std::nullopt;
    }

    std::function<Step(Exchange&)> on_before;
    std::function<std::optional<Response>(std::exception_ptr)> on_recover;

private:
    std::string name_;
    Trace& trace_;
};

class PipelineTest : public testing::Test {
protected:
    PipelineTest() {
        for (const auto* name : {"a", "b", "c"}) {
            auto step = std::make_unique<Probe>(name, trace);
            probes.push_back(step.get());
            steps.push_back(std::move(step));
        }
        exchange.request.method = Method::get;
        exchange.request.raw_path = "/x";
        exchange.received = Clock::now();
    }

    Response handle() {
        Route route;
        route.pattern = "/x";
        route.options = options;
        route.handler = [this](Exchange& e) {
            trace.push_back("handler");
            return handler(e);
        };
        std::vector<Route> routes;
        routes.push_back(std::move(route));
        pipeline.emplace(Router{std::move(routes)}, std::move(steps), 5s);
        Pipeline::Way way;
        if (auto answer = pipeline->begin(exchange, way)) return std::move(*answer);
        return test::run(loop, pipeline->finish(exchange, way));
    }

    /// The status of the ProblemError that a cancelled handler is shown to the steps as.
    unsigned status_shown_when_cancelled() {
        handler = [](Exchange&) -> awaitable<Response> {
            throw boost::system::system_error{boost::asio::error::operation_aborted};
        };
        unsigned status = 0;
        probes[0]->on_recover = [&](std::exception_ptr error) -> std::optional<Response> {
            try {
                std::rethrow_exception(error);
            } catch (const ProblemError& failure) {
                status = failure.problem().status;
            } catch (...) {
            }
            return std::nullopt;
        };
        handle();
        return status;
    }

    Trace trace;
    std::vector<Probe*> probes;
    std::vector<std::shared_ptr<Middleware>> steps;
    RouteOptions options;
    Handler handler = [](Exchange&) -> awaitable<Response> { co_return Response::text(200, "x"); };
    boost::asio::io_context loop{1};
    test::NoBody body;
    Exchange exchange{loop.get_executor(), body};
    std::optional<Pipeline> pipeline;
};

awaitable<std::optional<Response>> wait_then(std::optional<Response> answer, Executor executor) {
    co_await boost::asio::post(executor, use_awaitable);
    co_return answer;
}

}  // namespace

TEST_F(PipelineTest, RunsStepsInOrderAndBackInReverse) {
    EXPECT_EQ(handle().status, 200u);
    EXPECT_THAT(trace,
                ElementsAre("before a", "before b", "before c", "handler", "after c 200", "after b 200", "after a 200"));
}

TEST_F(PipelineTest, AnAnswerEndsTheWayThere) {
    probes[1]->on_before = [](Exchange&) -> Step { return Response::text(403, "no"); };
    EXPECT_EQ(handle().status, 403u);
    EXPECT_THAT(trace, ElementsAre("before a", "before b", "after b 403", "after a 403"));
}

TEST_F(PipelineTest, AStepMayWaitAndGoOn) {
    probes[1]->on_before = [](Exchange& e) -> Step { return wait_then(std::nullopt, e.executor); };
    EXPECT_EQ(handle().status, 200u);
    EXPECT_EQ(trace.size(), 7u);
}

TEST_F(PipelineTest, AStepMayWaitAndAnswer) {
    probes[0]->on_before = [](Exchange& e) -> Step { return wait_then(Response::text(429, "later"), e.executor); };
    EXPECT_EQ(handle().status, 429u);
    EXPECT_THAT(trace, ElementsAre("before a", "after a 429"));
}

TEST_F(PipelineTest, TheInnermostStepThatRecoversAnswers) {
    handler = [](Exchange&) -> awaitable<Response> { throw std::runtime_error{"broken"}; };
    probes[1]->on_recover = [](std::exception_ptr) { return Response::text(503, "b"); };
    probes[0]->on_recover = [](std::exception_ptr) { return Response::text(503, "a"); };
    EXPECT_EQ(handle().body, "b");
    EXPECT_THAT(trace, ElementsAre("before a", "before b", "before c", "handler", "recover c", "recover b", "after c 503",
                                   "after b 503", "after a 503"));
}

TEST_F(PipelineTest, AThrowingStepIsUndoneWithThoseBeforeIt) {
    probes[1]->on_before = [](Exchange&) -> Step { throw std::runtime_error{"broken"}; };
    probes[0]->on_recover = [](std::exception_ptr) { return Response::text(500, "a"); };
    EXPECT_EQ(handle().body, "a");
    EXPECT_THAT(trace, ElementsAre("before a", "before b", "recover b", "recover a", "after b 500", "after a 500"));
}

TEST_F(PipelineTest, AnExceptionNobodyRecoversIsABare500) {
    handler = [](Exchange&) -> awaitable<Response> { throw std::runtime_error{"secret"}; };
    const auto response = handle();
    EXPECT_EQ(response.status, 500u);
    EXPECT_EQ(response.headers.find("Content-Type"), "application/problem+json");
    EXPECT_EQ(response.body.find("secret"), std::string::npos);
}

TEST_F(PipelineTest, TheDeadlineIsTheRoutesOrTheDefault) {
    handle();
    EXPECT_EQ(exchange.deadline.time(), exchange.received + 5s);
}

TEST_F(PipelineTest, ARouteSetsItsOwnDeadline) {
    options.timeout = 250ms;
    handle();
    EXPECT_EQ(exchange.deadline.time(), exchange.received + 250ms);
}

TEST_F(PipelineTest, BuiltInRoutesPassThroughEveryStep) {
    exchange.request.raw_path = "/nowhere";
    EXPECT_EQ(handle().status, 404u);
    EXPECT_THAT(trace, ElementsAre("before a", "before b", "before c", "after c 404", "after b 404", "after a 404"));
}

TEST_F(PipelineTest, ACancelledLateHandlerIsA504ForRecover) {
    exchange.received = Clock::now() - 1h;
    EXPECT_EQ(status_shown_when_cancelled(), 504u);
}

TEST_F(PipelineTest, AHandlerCancelledForItsClientIsA499ForRecover) {
    exchange.client_gone = true;
    EXPECT_EQ(status_shown_when_cancelled(), 499u);
}

TEST_F(PipelineTest, AClientThatIsGoneExplainsNoOtherFailure) {
    exchange.client_gone = true;
    handler = [](Exchange&) -> awaitable<Response> { throw std::runtime_error{"broken"}; };
    EXPECT_EQ(handle().status, 500u);
}

TEST_F(PipelineTest, WhatHasItsAnswerAtOnceIsAnsweredByBegin) {
    Route route;
    route.pattern = "/x";
    route.eager = [](Exchange&) -> Outcome { return Response::text(200, "now"); };
    std::vector<Route> routes;
    routes.push_back(std::move(route));
    pipeline.emplace(Router{std::move(routes)}, std::move(steps), 5s);
    Pipeline::Way way;
    const auto answer = pipeline->begin(exchange, way);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, "now");
    EXPECT_THAT(trace, ElementsAre("before a", "before b", "before c", "after c 200", "after b 200", "after a 200"));
}

}  // namespace sluice::http

// A service of the engine on loops of its own, before origins of the test. For tests that also see src/.
#pragma once

#include "runtime/event_loops.hpp"
#include "sluice/ports/upstream.hpp"
#include "support/origin.hpp"
#include "telemetry/metrics.hpp"
#include "upstream/service.hpp"

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::test {

class UpstreamFixture : public ::testing::Test {
protected:
    using Answer = Upstream::Result<UpstreamAnswer>;
    using Kind = UpstreamError::Kind;

    /// A service of that name before these.
    static UpstreamSettings before(const std::vector<const Origin*>& origins, std::string name = "quotes") {
        UpstreamSettings settings;
        settings.name = std::move(name);
        for (const auto* one : origins) settings.endpoints.push_back({one->url()});
        return settings;
    }

    void start(UpstreamSettings settings) {
        service = std::make_shared<upstream::Service>(std::move(settings), loops, metrics);
        service->start();
        service->wait_for_names(in(std::chrono::seconds{20}));
        loops.start();
        route = service->route("GET /v1/quotes");
    }

    void TearDown() override {
        if (service) service->stop();
        loops.stop();
    }

    static UpstreamRequest get(std::string target) {
        UpstreamRequest request;
        request.target = std::move(target);
        return request;
    }
    static UpstreamRequest post(std::string target, std::string body = "{}") {
        auto request = get(std::move(target));
        request.method = "POST";
        request.body = std::move(body);
        return request;
    }

    /// Sent at once, on that loop.
    std::future<Answer> send(UpstreamRequest request, Deadline deadline = in(std::chrono::minutes{1}), std::size_t loop = 0,
                             std::size_t max_body = 1'000'000) {
        return send_over(route, std::move(request), deadline, loop, max_body);
    }
    std::future<Answer> send_over(const std::shared_ptr<Upstream>& upstream, UpstreamRequest request, Deadline deadline,
                                  std::size_t loop = 0, std::size_t max_body = 1'000'000) {
        auto promise = std::make_shared<std::promise<Answer>>();
        auto answer = promise->get_future();
        boost::asio::co_spawn(loops.serving(loop).executor(), fetch(upstream, std::move(request), max_body, deadline),
                              [promise](std::exception_ptr error, Answer result) {
                                  if (error)
                                      promise->set_exception(error);
                                  else
                                      promise->set_value(std::move(result));
                              });
        return answer;
    }
    Answer ask(UpstreamRequest request, Deadline deadline = in(std::chrono::minutes{1})) {
        return send(std::move(request), deadline).get();
    }

    /// `200 ok`, or the kind of the error.
    static std::string say(const Answer& answer) {
        if (answer) return std::to_string(answer->head.status) + " " + answer->body;
        return std::string{to_string(answer.error().kind)};
    }
    std::string say(const std::string& target) { return say(ask(get(target))); }

    static Deadline in(Duration patience) { return Deadline::after(Clock::now(), patience); }

    template <class Condition>
    static bool becomes_true(Condition condition) {
        const auto until = Clock::now() + std::chrono::seconds{20};
        while (!condition()) {
            if (Clock::now() > until) return false;
            std::this_thread::yield();
        }
        return true;
    }

    telemetry::Metrics metrics;
    runtime::EventLoops loops{2};
    std::shared_ptr<upstream::Service> service;
    std::shared_ptr<Upstream> route;

private:
    static awaitable<Answer> fetch(std::shared_ptr<Upstream> upstream, UpstreamRequest request, std::size_t max_body,
                                   Deadline deadline) {
        co_return co_await upstream->fetch(std::move(request), max_body, deadline);
    }
};

}  // namespace sluice::test

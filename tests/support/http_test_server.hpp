// A live listener on a free loopback port, with a pipeline of one's own. For tests that also see src/.
#pragma once

#include "http/listener.hpp"
#include "http/pipeline.hpp"
#include "runtime/event_loops.hpp"
#include "sluice/handler.hpp"
#include "sluice/problem.hpp"
#include "sluice/settings.hpp"
#include "support/loop_watch.hpp"
#include "telemetry/metrics.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::test {

/// Answers ProblemError, and nothing else.
class TranslateProblems : public Middleware {
public:
    std::optional<Response> recover(Exchange& exchange, std::exception_ptr error) noexcept override {
        try {
            std::rethrow_exception(error);
        } catch (const ProblemError& failure) {
            return to_response(failure.problem(), exchange.request_id);
        } catch (...) {
            return std::nullopt;
        }
    }
};

inline Route make_route(Method method, std::string pattern, Handler handler) {
    Route route;
    route.method = method;
    route.pattern = std::move(pattern);
    route.handler = std::move(handler);
    return route;
}

inline std::shared_ptr<const http::Site> make_site(http::Pipeline pipeline, const ServerSettings& settings) {
    return std::make_shared<const http::Site>(
        http::Site{std::move(pipeline), settings, http::FixedHeaders{settings.headers}, nullptr});
}

class HttpTestServer {
public:
    explicit HttpTestServer(std::vector<Route> routes, ServerSettings settings = {}) {
        std::vector<std::shared_ptr<Middleware>> steps;
        steps.push_back(std::make_shared<TranslateProblems>());
        site = make_site({http::Router{std::move(routes)}, std::move(steps), settings.timeouts.request}, settings);
        listener.emplace(loops, site, metrics, http::Listener::Mode::serving);
        listener->open("127.0.0.1:0");
        loops.start();
        listener->start();
        watch.emplace(loops);
    }
    ~HttpTestServer() {
        listener->drain(Deadline::at(Clock::now()));
        EXPECT_LT(watch->longest(), LoopWatch::bound) << "something held a loop";
        watch.reset();
        loops.stop();
    }
    HttpTestServer(const HttpTestServer&) = delete;
    HttpTestServer& operator=(const HttpTestServer&) = delete;

    std::uint16_t port() const { return listener->port(); }

    telemetry::Metrics metrics;
    std::shared_ptr<const http::Site> site;
    runtime::EventLoops loops{2};
    std::optional<http::Listener> listener;
    std::optional<LoopWatch> watch;
};

}  // namespace sluice::test

// A server whose configuration is swapped while it serves, and clients that look whether an answer is of one configuration.
// For tests that also see src/.
#pragma once

#include "app/configuration.hpp"
#include "app/dependencies.hpp"
#include "app/serving.hpp"
#include "http/listener.hpp"
#include "runtime/blocking_lane.hpp"
#include "runtime/event_loops.hpp"
#include "runtime/memory_budget.hpp"
#include "support/http_client.hpp"
#include "telemetry/metrics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::test {

class SwapServer {
public:
    /// `lasting`: what its dependencies are built from. `database`: null: theirs, which are started then.
    SwapServer(Settings lasting, Settings first, Database* database = nullptr)
        : lasting_{std::move(lasting)},
          dependencies{lasting_, loops, metrics},
          database_{database != nullptr ? database : dependencies.database()},
          started_{database == nullptr} {
        listener.emplace(loops, make(std::move(first)), metrics, http::Listener::Mode::serving);
        listener->open("127.0.0.1:0");
        loops.start();
        if (started_) dependencies.start({});
        listener->start();
    }
    ~SwapServer() {
        EXPECT_TRUE(listener->drain(Deadline::after(Clock::now(), std::chrono::seconds{10})));
        EXPECT_TRUE(dependencies.cache().drain(Deadline::after(Clock::now(), std::chrono::seconds{10})));
        if (started_) dependencies.stop();
        loops.stop();
    }
    SwapServer(const SwapServer&) = delete;
    SwapServer& operator=(const SwapServer&) = delete;

    void swap(Settings next) { listener->serve(make(std::move(next))); }
    std::uint16_t port() const { return listener->port(); }

    /// How many configurations are there still.
    std::size_t alive() const {
        return static_cast<std::size_t>(
            std::count_if(made_.begin(), made_.end(), [](const auto& one) { return !one.expired(); }));
    }

private:
    std::shared_ptr<const http::Site> make(Settings settings) {
        const auto serving = std::make_shared<const app::Serving>(
            std::make_shared<app::Configuration>(std::move(settings)), app::Serving::Own{},
            app::Serving::Parts{dependencies, database_, metrics, memory_, body_lane_});
        made_.push_back(serving);
        return app::Serving::site(serving);
    }

    const Settings lasting_;

public:
    telemetry::Metrics metrics;
    runtime::EventLoops loops{2};
    app::Dependencies dependencies;
    std::optional<http::Listener> listener;

private:
    runtime::MemoryBudget memory_{std::size_t{64} * 1024 * 1024};
    runtime::BlockingLane body_lane_{1, 64};
    Database* const database_;
    const bool started_;
    std::vector<std::weak_ptr<const app::Serving>> made_;
};

/// Clients that ask without end. Each configuration answers `"mark":"NAME"` in the body and NAME in the field X-Mark.
class SwapLoad {
public:
    struct Question {
        std::string method;
        std::string target;
        std::string body{};
        unsigned status = 200;
    };

    SwapLoad(std::uint16_t port, std::vector<Question> questions, int clients) : questions_{std::move(questions)} {
        for (int i = 0; i < clients; ++i) threads_.emplace_back([this, port] { run(port); });
    }
    ~SwapLoad() { stop(); }
    SwapLoad(const SwapLoad&) = delete;
    SwapLoad& operator=(const SwapLoad&) = delete;

    void stop() {
        over_ = true;
        threads_.clear();
    }
    std::uint64_t answers() const { return answers_; }

    /// Whether the answer is whole.
    static void ask(HttpClient& client, const Question& question) {
        const auto answer = client.request(question.method, question.target, question.body,
                                           question.body.empty() ? "" : "Content-Type: application/json\r\n");
        ASSERT_EQ(answer.status, question.status) << question.method << ' ' << question.target << '\n' << answer.body;
        const auto mark = answer.header("X-Mark").value_or("none");
        ASSERT_NE(answer.body.find("\"mark\":\"" + mark + "\""), std::string::npos)
            << question.target << " is half of each: X-Mark is " << mark << ", the body " << answer.body;
    }

private:
    void run(std::uint16_t port) {
        HttpClient client{port};
        while (!over_ && !testing::Test::HasFatalFailure()) {
            for (const auto& question : questions_) {
                ask(client, question);
                ++answers_;
            }
        }
    }

    const std::vector<Question> questions_;
    std::atomic<bool> over_{false};
    std::atomic<std::uint64_t> answers_{0};
    std::vector<std::jthread> threads_;
};

}  // namespace sluice::test

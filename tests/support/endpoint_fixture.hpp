// Endpoints without servers: a loop, a database and a cache in memory.
#pragma once

#include "cache/two_level_cache.hpp"
#include "memory/byte_store.hpp"
#include "memory/database.hpp"
#include "runtime/blocking_lane.hpp"
#include "runtime/boot_clock.hpp"
#include "sluice/exchange.hpp"
#include "sluice/handler.hpp"
#include "support/run.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sluice::test {

class EndpointTest : public ::testing::Test {
protected:
    /// What a request has.
    struct Asked {
        std::string path;
        std::vector<std::string> path_values;
        std::vector<QueryParameter> query;
        std::string body;
        std::vector<HeaderField> fields;
    };
    class Body final : public BodyReader {
    public:
        explicit Body(std::string bytes) : bytes_{std::move(bytes)} {}
        awaitable<std::string_view> read(std::size_t) override { co_return bytes_; }

    private:
        const std::string bytes_;
    };

    EndpointTest() {
        policy::Poll poll;
        poll.sent = Clock::now();
        poll.coherent = true;
        poll.asleep = runtime::asleep();
        poll.history = 1;
        poll.snapshot.xmax = 1'000;
        coherence.learn(poll);
    }
    ~EndpointTest() override {
        loop.restart();
        loop.run();
        cache.drain(Deadline::after(Clock::now(), std::chrono::seconds{10}));
    }

    template <class Endpoint>
    Response ask(const Endpoint& endpoint, Method method, const Asked& asked) {
        Body body{asked.body};
        Route route;
        route.method = method;
        route.pattern = asked.path;
        Exchange exchange{loop.get_executor(), body};
        exchange.route = &route;
        exchange.request.method = method;
        exchange.request.headers = asked.fields;
        if (!asked.body.empty()) exchange.request.content_length = asked.body.size();
        exchange.path_values = asked.path_values;
        exchange.query = asked.query;
        exchange.request_id = "r1";
        exchange.deadline = Deadline::after(Clock::now(), std::chrono::seconds{10});
        auto outcome = endpoint.handle(exchange);
        if (auto* at_once = std::get_if<Response>(&outcome)) return std::move(*at_once);
        return run(loop, std::get<awaitable<Response>>(std::move(outcome)));
    }

    boost::asio::io_context loop{1};
    telemetry::Metrics metrics;
    memory::Database database;
    runtime::BlockingLane lane{1, 8};
    cache::Coherence coherence;
    cache::TwoLevelCache cache{1 << 20, std::make_shared<memory::ByteStore>(), coherence, metrics};
};

}  // namespace sluice::test

// Bodies that are made to cost hold no event loop, and too many of them at once are refused.
#include "endpoints/body_reading.hpp"

#include "support/costly_bodies.hpp"
#include "support/http_client.hpp"
#include "support/http_test_server.hpp"
#include "support/loop_watch.hpp"
#include "support/run.hpp"

#include <gtest/gtest.h>

#include <future>
#include <latch>
#include <set>

namespace sluice::endpoints {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t body_limit = 1024 * 1024;

Response answer_to(const JsonBody::Read& read) {
    if (const auto* problem = std::get_if<Problem>(&read)) return to_response(*problem, "");
    return Response::empty(204);
}

awaitable<Response> answer(std::shared_ptr<const JsonBody> body, runtime::BlockingLane& lane, Exchange& exchange) {
    const auto bytes = co_await exchange.body(body_limit);
    co_return answer_to(co_await read_body(std::move(body), lane, exchange, bytes));
}

Handler reads(const std::string& schema, runtime::BlockingLane& lane) {
    auto body = std::make_shared<const JsonBody>(schema, std::vector<std::string>{});
    return [body, &lane](Exchange& exchange) { return answer(body, lane, exchange); };
}

/// Holds the lane's one worker until it is destroyed.
class Occupied {
public:
    explicit Occupied(runtime::BlockingLane& lane) {
        const auto released = release_.get_future().share();
        EXPECT_TRUE(lane.try_submit([this, released](std::size_t) {
            running_.count_down();
            released.wait();
        }));
        running_.wait();
    }
    ~Occupied() { release_.set_value(); }

private:
    std::promise<void> release_;
    std::latch running_{1};
};

}  // namespace

TEST(BodyReading, NoBodyHoldsALoop) {
    runtime::BlockingLane lane{1, 8};
    for (const auto size : {largest_at_once, body_limit}) {
        const auto bodies = test::costly_bodies(size);
        std::vector<Route> routes;
        for (std::size_t i = 0; i < bodies.size(); ++i)
            routes.push_back(test::make_route(Method::post, "/" + std::to_string(i), reads(bodies[i].schema, lane)));
        const test::HttpTestServer server{std::move(routes)};
        for (std::size_t i = 0; i < bodies.size(); ++i) {
            ASSERT_LE(bodies[i].bytes.size(), size) << bodies[i].name;
            server.watch->forget();
            test::HttpClient client{server.port(), "127.0.0.1", 60s};
            const auto answer = client.request("POST", "/" + std::to_string(i), bodies[i].bytes);
            const std::set<unsigned> possible{204, 400, 422};
            EXPECT_TRUE(possible.contains(answer.status)) << bodies[i].name << ": " << answer.status;
            EXPECT_LT(answer.body.size(), 128U * 1024) << bodies[i].name;
            EXPECT_LT(server.watch->longest(), test::LoopWatch::bound) << bodies[i].name << " of " << size << " bytes";
        }
    }
}

TEST(BodyReading, BodiesBeyondTheQueueAreRefusedAndSmallOnesAreNot) {
    runtime::BlockingLane lane{1, 1};
    std::vector<Route> routes;
    routes.push_back(test::make_route(Method::post, "/", reads(R"({"type":"array"})", lane)));
    const test::HttpTestServer server{std::move(routes)};
    const std::string large = "[\"" + std::string(largest_at_once, 'x') + "\"]";
    test::HttpClient waiting{server.port()};
    {
        const Occupied occupied{lane};
        ASSERT_TRUE(waiting.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(large.size()) +
                                 "\r\n\r\n" + large));
        const auto patience = Clock::now() + 10s;
        while (lane.queued() == 0 && Clock::now() < patience) std::this_thread::yield();
        ASSERT_EQ(lane.queued(), 1U);

        test::HttpClient client{server.port()};
        const auto refused = client.request("POST", "/", large);
        EXPECT_EQ(refused.status, 503U);
        EXPECT_EQ(refused.header("Retry-After"), "1");
        EXPECT_EQ(client.request("POST", "/", "[]").status, 204U);
        EXPECT_EQ(client.request("POST", "/", "{}").status, 422U);
    }
    EXPECT_EQ(waiting.receive()->status, 204U);
}

TEST(BodyReading, SmallBodiesThatTakeManyStepsAreReadElsewhere) {
    const JsonBody body{R"({"type":"object","anyOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]})",
                        {}};
    std::string nested = "1";
    for (int i = 0; i < 12; ++i) nested = R"({"a":)" + nested + "}";  // 2^12 ways down, within the whole budget
    EXPECT_FALSE(body.read_at_once(nested));
    const auto whole = body.read(nested);
    EXPECT_EQ(std::get<Problem>(whole).errors.back().message, "must fit one of the alternatives in 'anyOf'");
    EXPECT_TRUE(body.read_at_once(R"({"a":{}})"));
    EXPECT_FALSE(body.read_at_once("\"" + std::string(largest_at_once, 'x') + "\""));
}

}  // namespace sluice::endpoints

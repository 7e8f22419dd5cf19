// Answers as large as they may be hold no event loop: not when they are made, hashed, coded or marked as stale.
#include "endpoints/sql_endpoint.hpp"

#include "memory/byte_store.hpp"
#include "support/http_client.hpp"
#include "support/http_test_server.hpp"
#include "support/loop_watch.hpp"

#include <gtest/gtest.h>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <deque>
#include <iostream>
#include <mutex>

namespace sluice::endpoints {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t bytes_of_answer = 16 * 1024 * 1024;

std::string large_json() {
    std::string json{"["};
    for (std::size_t i = 0; json.size() < bytes_of_answer - 100; ++i)
        json += "{\"id\":" + std::to_string(i) + ",\"name\":\"City number " + std::to_string(i * 7919 % 100'003) + "\"},";
    json.back() = ']';
    return json;
}

/// Answers what was prepared, as a worker does: nothing is copied on the loop. Then it is away.
class PreparedDatabase final : public Database {
public:
    explicit PreparedDatabase(std::size_t answers) {
        const auto json = large_json();
        for (std::size_t i = 0; i < answers; ++i) results_.push_back({json, true, std::nullopt, true, {}, {}, {}, false});
    }
    StatementId add(StatementSpec) override { return {}; }
    awaitable<boost::system::result<QueryResult, DatabaseError>> run(Query, Deadline) override {
        const auto executor = co_await boost::asio::this_coro::executor;
        co_await boost::asio::post(executor, use_awaitable);
        const std::lock_guard lock{mutex_};
        if (results_.empty()) co_return DatabaseError{DatabaseError::Kind::unavailable, {}, "away"};
        auto result = std::move(results_.front());
        results_.pop_front();
        co_return result;
    }

private:
    std::mutex mutex_;
    std::deque<QueryResult> results_;
};

RouteSettings settings_of(std::optional<CacheRule> cache) {
    RouteSettings route;
    route.pattern = "/all";
    route.sql().text = "select * from city";
    route.cache = std::move(cache);
    return route;
}

class LargeAnswers : public ::testing::Test {
protected:
    std::unique_ptr<test::HttpTestServer> serve(std::optional<CacheRule> rule) {
        endpoint_ = std::make_shared<SqlEndpoint>(settings_of(std::move(rule)), std::vector<std::string>{}, database_,
                                                  cache_, nullptr, SqlEndpoint::Defaults{.key_secrets = {}});
        Route route;
        route.pattern = "/all";
        route.eager = [endpoint = endpoint_](Exchange& exchange) { return endpoint->handle(exchange); };
        std::vector<Route> routes;
        routes.push_back(std::move(route));
        return std::make_unique<test::HttpTestServer>(std::move(routes));
    }
    static void ask(test::HttpTestServer& server, const std::string& what, const std::string& headers = {},
                    const std::string& contains = {}) {
        server.watch->forget();
        test::HttpClient client{server.port(), "127.0.0.1", 60s};
        const auto answer = client.request("GET", "/all", {}, headers);
        EXPECT_EQ(answer.status, 200U) << what;
        EXPECT_NE(answer.body.find(contains), std::string::npos) << what;
        const auto longest = server.watch->longest();
        std::cout << what << ": a loop was held for " << std::chrono::duration<double, std::milli>(longest).count()
                  << " ms at most\n";
        EXPECT_LT(longest, test::LoopWatch::bound) << what;
    }
    void TearDown() override { cache_.drain(Deadline::after(Clock::now(), 10s)); }

    PreparedDatabase database_{5};
    telemetry::Metrics metrics_;
    cache::Coherence coherence_;
    cache::TwoLevelCache cache_{std::size_t{256} << 20, std::make_shared<memory::ByteStore>(), coherence_, metrics_};
    std::shared_ptr<SqlEndpoint> endpoint_;
};

}  // namespace

TEST_F(LargeAnswers, ReadForOneRequestHoldNoLoop) {
    const auto server = serve(std::nullopt);
    ask(*server, "read");
    ask(*server, "read, gzip", "Accept-Encoding: gzip\r\n");
    ask(*server, "read, brotli", "Accept-Encoding: br\r\n");
}

TEST_F(LargeAnswers, CachedHoldNoLoop) {
    CacheRule rule;
    rule.ttl = 1h;
    const auto server = serve(rule);
    ask(*server, "loaded");
    ask(*server, "hit");
    ask(*server, "hit, gzip made", "Accept-Encoding: gzip\r\n");
    ask(*server, "hit, brotli made", "Accept-Encoding: br\r\n");
    ask(*server, "hit, brotli kept", "Accept-Encoding: br\r\n");
}

TEST_F(LargeAnswers, StaleHoldNoLoop) {
    CacheRule rule;
    rule.ttl = 1ms;
    const auto server = serve(rule);
    for (int i = 0; i < 5; ++i) ask(*server, "loaded");
    ask(*server, "stale", {}, ",\"stale\":true}");
}

}  // namespace sluice::endpoints

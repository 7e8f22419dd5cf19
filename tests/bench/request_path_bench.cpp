// The parts of a request's way, each by itself: what Observe, the steps and the loop add is in the figures over HTTP.
#include "auth/key_codec.hpp"
#include "auth/remembered_keys.hpp"
#include "bench/measurement.hpp"
#include "cache/coherence.hpp"
#include "cache/two_level_cache.hpp"
#include "endpoints/cache_headers.hpp"
#include "endpoints/sql_endpoint.hpp"
#include "http/fixed_headers.hpp"
#include "http/response_head.hpp"
#include "http/router.hpp"
#include "http/wire.hpp"
#include "policy/circuit_breaker.hpp"
#include "sluice/ports/database.hpp"
#include "sluice/settings.hpp"
#include "support/exchange_fixture.hpp"
#include "telemetry/metrics.hpp"

#include <boost/asio/co_spawn.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::bench {
namespace {

constexpr auto wall_time = std::chrono::system_clock::time_point{std::chrono::seconds{1'000}};

void scan_a_head(benchmark::State& state) {
    constexpr std::string_view head =
        "GET /v1/cities/2988507 HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n"
        "X-API-Key: slk_096tqrk9A7sHbYvDavfzZA00000G7fUpFCue43W4pcHd0GZ6dJoYVt\r\n\r\n";
    const http::HeadLimits limits;
    for (auto _ : state) {
        auto scan = http::scan_head(head, limits);
        if (!std::holds_alternative<http::Head>(scan)) state.SkipWithError("the head is refused");
        benchmark::DoNotOptimize(scan);
    }
}

/// Two hundred templates, of which the last one is asked for.
void match_a_route(benchmark::State& state) {
    std::vector<Route> routes;
    routes.reserve(200);
    for (int i = 0; i < 200; ++i) {
        Route route;
        route.pattern = "/v1/things" + std::to_string(i) + "/{id}/parts/{part}";
        routes.push_back(std::move(route));
    }
    const http::Router router{std::move(routes)};
    test::ExchangeFixture fixture;
    auto& exchange = fixture.exchange;
    exchange.request.raw_path = "/v1/things199/2988507/parts/7";
    for (auto _ : state) {
        exchange.path_values.clear();
        router.match(exchange);
        benchmark::DoNotOptimize(exchange.route);
    }
    if (exchange.path_values.size() != 2) state.SkipWithError("another route was matched");
}

void key_remembered(benchmark::State& state) {
    const auth::KeyCodec codec{{"a secret of more than 16 bytes"}};
    const auth::RememberedKeys keys{codec};
    const auto key = codec.issue({auth::generate_key_id(), "enterprise", 2'000, {"reviews:write"}});
    for (auto _ : state) {
        auto data = keys.verify(key, wall_time);
        if (!data) state.SkipWithError("the key is refused");
        benchmark::DoNotOptimize(data);
    }
}

void pass_a_breaker(benchmark::State& state) {
    policy::CircuitBreaker breaker{{}, {}};
    const auto now = Clock::now();
    for (auto _ : state) {
        auto permit = breaker.try_acquire(now);
        permit->succeed();
    }
}

/// From a copy in the process to the bytes of the answer's head.
void write_a_hit(benchmark::State& state) {
    auto value = std::make_shared<cache::CachedValue>();
    value->body = R"({"data":{"id":2988507,"name":"Paris","country":"FR","population":2138551}})";
    value->etag = cache::strong_etag(value->body);
    const auto now = Clock::now();
    value->loaded_at = now;
    value->ttl = std::chrono::minutes{5};
    const endpoints::RouteHeaders route{CacheRule{}};
    const http::FixedHeaders fixed{ServerSettings::default_headers()};
    const test::ExchangeFixture fixture;
    std::string out;
    for (auto _ : state) {
        const auto response =
            endpoints::cached_response(fixture.exchange, value, {}, cache::Answer::How::level_one, route, now);
        out.clear();
        auto content =
            http::append_head(out, response, fixed, false, http::Persistence::unsaid, "Sun, 06 Nov 1994 08:49:37 GMT");
        benchmark::DoNotOptimize(content);
    }
}

constexpr std::string_view row = R"({"id":2988507,"name":"Paris","country":"FR","population":2138551})";

/// Has the row already.
class AtOnce final : public Database {
public:
    StatementId add(StatementSpec) override { return {}; }
    awaitable<boost::system::result<QueryResult, DatabaseError>> run(Query, Deadline) override {
        QueryResult result;
        result.json = row;
        result.found = true;
        co_return result;
    }
};

/// From the path's value to the response, with its envelope: all that an endpoint does but for what its database takes.
void answer_a_read(benchmark::State& state) {
    RouteSettings route;
    route.pattern = "/v1/cities/{id}";
    route.parameters.resize(1);
    route.parameters[0].name = "id";
    route.parameters[0].in_path = route.parameters[0].required = true;
    route.parameters[0].type = ParameterType::integer;
    route.sql().result = ResultShape::one;
    route.sql().text = "select id, name, country, population from city where id = :id";
    AtOnce database;
    telemetry::Metrics metrics;
    cache::Coherence coherence;
    cache::TwoLevelCache cache{0, nullptr, coherence, metrics};
    const endpoints::SqlEndpoint endpoint{route, {"id"}, database, cache, nullptr, {}};
    test::ExchangeFixture fixture{route.pattern};
    fixture.exchange.path_values = {"2988507"};
    std::size_t bytes = 0;
    const auto serve = [&]() -> awaitable<void> {
        for (auto _ : state) {
            auto outcome = endpoint.handle(fixture.exchange);
            auto response = co_await std::get<awaitable<Response>>(std::move(outcome));
            bytes = response.body.size();
            benchmark::DoNotOptimize(response);
        }
    };
    boost::asio::co_spawn(fixture.loop, serve, [&](const std::exception_ptr& error) {
        if (error) state.SkipWithError("the read failed");
    });
    fixture.loop.run();
    if (bytes != row.size() + std::string_view{R"({"data":})"}.size()) state.SkipWithError("the answer is another");
}

const std::vector<benchmark::internal::Benchmark*> registered{
    measure("request head scanned", {"ns", {}}, scan_a_head)->Iterations(500'000)->Repetitions(5),
    measure("route matched, of 200", {"ns", {}}, match_a_route)->Iterations(500'000)->Repetitions(5),
    measure("API key remembered", {"ns", {}}, key_remembered)->Iterations(1'000'000)->Repetitions(5),
    measure("circuit breaker passed", {"ns", {}}, pass_a_breaker)->Iterations(1'000'000)->Repetitions(5),
    measure("answer of a hit, its head written", {"ns", {}}, write_a_hit)->Iterations(500'000)->Repetitions(5),
    measure("answer of an uncached read, but for the database", {"ns", {}}, answer_a_read)
        ->Iterations(500'000)
        ->Repetitions(5),
};

}  // namespace
}  // namespace sluice::bench

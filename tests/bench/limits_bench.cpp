// What rate limits cost: the time of a decision without Redis, the calls to Redis, and the memory in it.
#include "bench/measurement.hpp"
#include "memory/rate_limiter.hpp"
#include "middleware/limited_clients.hpp"
#include "middleware/rate_limit.hpp"
#include "redis/leased_rate_limiter.hpp"
#include "redis/rate_limiter.hpp"
#include "support/exchange_fixture.hpp"
#include "support/redis_fixture.hpp"
#include "support/timed_script.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

namespace sluice::bench {
namespace {

using namespace std::chrono_literals;
using test::RedisInstance;
using test::RedisServer;
using Verdict = RateDecision::Verdict;

constexpr auto key = "key:b3936e3a7933fba9ec7ef686";
constexpr RateLimit enterprise{100'000, 60s};

awaitable<Verdict> admit(RateLimiter& limiter, RateLimit limit) {
    const RateRequest request{key, limit};
    if (const auto decision = limiter.try_acquire(request)) co_return decision->verdict;
    const auto decision = co_await limiter.acquire(request, Deadline::never());
    co_return decision.verdict;
}

/// An instance whose leases are as large as they get under full load.
class WarmLimiter {
public:
    WarmLimiter() {
        if (!instance_.recovers()) throw std::runtime_error{"Redis does not answer"};
        for (const auto until = Clock::now() + 500ms; Clock::now() < until;) {
            if (!limiter.try_acquire(request)) refill();
        }
    }
    /// Waits until there is a lease again.
    void refill() {
        while (instance_.run(0, admit(limiter, limit)) != Verdict::admitted) continue;
    }
    Executor executor() { return instance_.executor(0); }

private:
    RedisServer server_;
    RedisInstance instance_{server_.settings()};

public:
    redis::LeasedRateLimiter limiter{instance_.client};
    const RateLimit limit{10'000'000'000, 60s};
    const RateRequest request{key, limit};
};

void lease_hit(benchmark::State& state) {
    static std::unique_ptr<WarmLimiter> warm;
    if (state.thread_index() == 0) warm = std::make_unique<WarmLimiter>();
    for (auto _ : state) {  // all threads wait here for the first
        if (warm->limiter.try_acquire(warm->request)) continue;
        state.PauseTiming();
        warm->refill();
        state.ResumeTiming();
    }
    if (state.thread_index() == 0) warm.reset();
}

void step_hit(benchmark::State& state) {
    WarmLimiter warm;
    memory::RateLimiter local;
    telemetry::Metrics metrics;
    const std::map<std::string, Tier> tiers{{"enterprise", Tier{{{warm.limit.requests, warm.limit.window}}}}};
    const std::vector<Route> routes(1);
    const middleware::LimitedClients clients{RateLimitSettings{}};
    middleware::RateLimitStep step{{&warm.limiter, local}, tiers, clients, routes, metrics};
    test::NoBody body;
    Exchange exchange{warm.executor(), body};
    exchange.route = routes.data();
    exchange.identity.kind = Identity::Kind::api_key;
    exchange.identity.id = std::string{key}.substr(4);
    exchange.identity.tier = "enterprise";
    for (auto _ : state) {
        if (std::holds_alternative<Proceed>(step.before(exchange))) continue;
        state.PauseTiming();
        warm.refill();
        state.ResumeTiming();
    }
}

/// Commands that the instance's client has sent.
double commands_of(const RedisInstance& instance) {
    double sum = 0;
    std::istringstream lines{instance.metrics.render()};
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("sluice_redis_commands_total{")) sum += std::stod(line.substr(line.rfind(' ')));
    }
    return sum;
}

double scripts_run(const RedisServer& server) {
    return static_cast<double>(test::info(server, "commandstats", {"cmdstat_evalsha:calls="}) +
                               test::info(server, "commandstats", {"cmdstat_eval:calls="}));
}

/// So many requests a second, evenly, until told to stop. Returns how many.
awaitable<std::uint64_t> pace(RateLimiter& limiter, RateLimit limit, double per_second, std::atomic<std::uint64_t>& requests,
                              const std::atomic<bool>& stop) {
    runtime::Timer timer{co_await boost::asio::this_coro::executor};
    const auto start = Clock::now();
    std::uint64_t sent = 0;
    while (!stop) {
        const auto due = std::chrono::duration<double>(Clock::now() - start).count() * per_second;
        for (; static_cast<double>(sent) < due; ++sent) {
            co_await admit(limiter, limit);
            ++requests;
        }
        timer.expires_after(1ms);
        co_await timer.async_wait(use_awaitable);
    }
    co_return sent;
}

struct Calls {
    double by_client = 0;  // per request
    double by_redis = 0;
};

/// 5,000 requests/s for one key, spread over so many instances with two loops each.
Calls count_calls(std::size_t instances, RateLimit limit) {
    constexpr double per_second = 5'000;
    const RedisServer server;
    std::vector<std::unique_ptr<RedisInstance>> all;
    std::vector<std::unique_ptr<redis::LeasedRateLimiter>> limiters;
    std::vector<std::future<std::uint64_t>> paced;
    std::atomic<std::uint64_t> requests{0};
    std::atomic<bool> stop{false};
    for (std::size_t i = 0; i < instances; ++i) {
        all.push_back(std::make_unique<RedisInstance>(server.settings()));
        if (!all.back()->recovers()) throw std::runtime_error{"Redis does not answer"};
        limiters.push_back(std::make_unique<redis::LeasedRateLimiter>(all.back()->client));
    }
    for (std::size_t i = 0; i < 2 * instances; ++i) {
        auto& limiter = *limiters[i / 2];
        const auto share = per_second / static_cast<double>(2 * instances);
        paced.push_back(all[i / 2]->start(i % 2, pace(limiter, limit, share, requests, stop)));
    }
    const auto sent = [&] {
        double sum = 0;
        for (const auto& instance : all) sum += commands_of(*instance);
        return sum;
    };
    std::this_thread::sleep_for(1s);  // until the rates are known
    const auto requests_before = requests.load();
    const auto sent_before = sent();
    const auto run_before = scripts_run(server);
    std::this_thread::sleep_for(5s);  // this is the measurement
    const auto counted = static_cast<double>(requests - requests_before);
    const Calls calls{(sent() - sent_before) / counted, (scripts_run(server) - run_before) / counted};
    stop = true;
    for (auto& one : paced) test::take(one);
    return calls;
}

const Calls& calls_of_four() {
    static const Calls calls = count_calls(4, {10'000'000, 60s});
    return calls;
}

void commands_by_client(benchmark::State& state) {
    for (auto _ : state) report(state, calls_of_four().by_client);
}
void commands_by_redis(benchmark::State& state) {
    for (auto _ : state) report(state, calls_of_four().by_redis);
}
void commands_of_one_instance(benchmark::State& state) {
    for (auto _ : state) report(state, count_calls(1, {10'000'000, 60s}).by_client);
}
void commands_when_saturated(benchmark::State& state) {
    for (auto _ : state) report(state, count_calls(4, enterprise).by_client);
}

double memory_of(const RedisServer& server, std::string_view name) {
    const auto answer = server.command({"MEMORY", "USAGE", name, "SAMPLES", "0"}).at(0);
    return answer == "(nil)" ? 0 : std::stod(answer);
}

awaitable<std::uint64_t> saturate(RateLimiter& limiter, RateLimit limit) {
    std::uint64_t admitted = 0;
    while (co_await admit(limiter, limit) == Verdict::admitted) ++admitted;
    co_return admitted;
}

std::string name_of(std::string_view kind, RedisInstance& instance) {
    return redis::limit_key(*instance.client.keys().stem(), kind, key, enterprise);
}

void log_bytes(benchmark::State& state) {
    for (auto _ : state) {
        const RedisServer server;
        RedisInstance instance{server.settings()};
        if (!instance.recovers()) return state.SkipWithError("Redis does not answer");
        redis::RateLimiter limiter{instance.client};
        std::vector<std::future<std::uint64_t>> work;
        for (std::size_t i = 0; i < 64; ++i) work.push_back(instance.start(i % 2, saturate(limiter, enterprise)));
        std::uint64_t admitted = 0;
        for (auto& one : work) admitted += test::take(one, 60s);
        if (admitted != enterprise.requests) return state.SkipWithError("the limit was not reached within a window");
        report(state, memory_of(server, name_of("log", instance)));
    }
}

// A key that is asked for all the time has a booking for each bucket of its window. That takes a window to build up, so the
// script is told the time: four instances that ask every 60 ms for their part of what the limit allows.
void leased_bytes(benchmark::State& state) {
    for (auto _ : state) {
        const RedisServer server;
        RedisInstance instance{server.settings()};
        if (!instance.recovers()) return state.SkipWithError("Redis does not answer");
        const auto text = test::with_time_as_argument(redis::lease_script, 8);
        const redis::Script script{text};
        const auto name = name_of("lease", instance);
        const auto terms = policy::LeaseTerms::of(enterprise.window);
        const auto started = std::chrono::system_clock::now().time_since_epoch();
        auto time = std::chrono::ceil<std::chrono::microseconds>(started);
        bool full = false;
        for (const auto end = time + 2 * terms.hold; time < end; time += 15ms) {
            std::vector<std::string> arguments{std::to_string(enterprise.requests), "26", "1", "0"};
            for (const auto part : {terms.window, terms.hold, terms.bucket, time}) {
                arguments.push_back(std::to_string(part.count()));
            }
            const auto reply = instance.run(0, script.run(instance.client, {{name}, arguments}, Deadline::never()));
            if (reply.status != redis::Status::ok) return state.SkipWithError("the script fails");
            full = full || reply.value.elements[0].integer == 0;
        }
        if (!full) return state.SkipWithError("the limit was not reached");
        report(state, memory_of(server, name));
    }
}

const std::vector<benchmark::internal::Benchmark*> registered{
    measure("lease hit", {"ns", 200}, lease_hit)->Iterations(2'000'000)->Repetitions(5),
    measure("lease hit, two threads and one key", {"ns", {}}, lease_hit)->Iterations(1'000'000)->Repetitions(5)->Threads(2),
    measure("lease hit, the whole rate limit step", {"ns", {}}, step_hit)->Iterations(2'000'000)->Repetitions(5),
    measure_once("Redis commands per request, hot key, 4 instances", {"", 0.01}, commands_by_client),
    measure_once("  the same as Redis counts them", {"", 0.01}, commands_by_redis),
    measure_once("  1 instance", {"", 0.01}, commands_of_one_instance),
    measure_once("  4 instances, a limit of 100k/min that is exceeded", {"", 0.01}, commands_when_saturated),
    measure_once("Redis bytes per saturated key of 100k/min, log", {"bytes", {}}, log_bytes),
    measure_once("Redis bytes per saturated key of 100k/min, leased", {"bytes", {}}, leased_bytes),
};

}  // namespace
}  // namespace sluice::bench

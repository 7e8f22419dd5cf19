// One instance of the server as far as rate limits are concerned, driven as fast as it goes: the event loops, the Redis
// client, the leased limiter, the heartbeat and the pipeline's own step, with made-up exchanges in place of HTTP. It runs
// until it is killed, and writes every admission to a log that outlives it.
//
//   limiter_driver URL LOG closed|local THREADS INSTANCES [PERCENT]
//
// PERCENT plants a mistake: the limiter is given windows of that part of their length.
#include "limiter_driver/admission_log.hpp"
#include "limiter_driver/load.hpp"
#include "memory/rate_limiter.hpp"
#include "middleware/rate_limit.hpp"
#include "redis/client.hpp"
#include "redis/leased_rate_limiter.hpp"
#include "redis/live_instances.hpp"
#include "runtime/boot_clock.hpp"
#include "runtime/event_loops.hpp"
#include "support/exchange_fixture.hpp"
#include "telemetry/metrics.hpp"

#include <boost/asio/co_spawn.hpp>

#include <sys/prctl.h>

#include <array>
#include <csignal>
#include <ctime>
#include <exception>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace {

using namespace std::chrono_literals;

thread_local std::int64_t last_reading;    // when code on this thread last asked for CLOCK_BOOTTIME
thread_local std::int64_t decided;         // of the decision made last on this thread
thread_local std::uint16_t decided_among;  // instances, if it was made without Redis

}  // namespace

// The linker sends every call of clock_gettime in this program here (--wrap), those in the library included: so the moment
// of an admission is the very reading by which the limiter found the lease alive, not one taken some time before or after.
// Between that reading and any other moment the process may have been stopped.
extern "C" {
int __real_clock_gettime(clockid_t clock, timespec* time);   // NOLINT(bugprone-reserved-identifier): the linker's names
int __wrap_clock_gettime(clockid_t clock, timespec* time) {  // NOLINT(bugprone-reserved-identifier)
    const int result = __real_clock_gettime(clock, time);
    if (clock == CLOCK_BOOTTIME) last_reading = std::int64_t{time->tv_sec} * 1'000'000'000 + time->tv_nsec;
    return result;
}
}

namespace sluice::test {
namespace {

std::int64_t moment() { return std::chrono::nanoseconds{runtime::boot_now()}.count(); }

/// The limiter, noting when it decided. Nothing else runs on the thread from there until the caller has the decision.
class NotedLimiter final : public RateLimiter {
public:
    explicit NotedLimiter(RateLimiter& limiter) : limiter_{limiter} {}

    std::optional<RateDecision> try_acquire(const RateRequest& request) override {
        auto decision = limiter_.try_acquire(request);
        note();
        return decision;
    }
    awaitable<RateDecision> acquire(RateRequest request, Deadline deadline) override {
        const auto decision = co_await limiter_.acquire(request, deadline);
        note();
        co_return decision;
    }
    void admitted_elsewhere(const RateRequest& request) override { limiter_.admitted_elsewhere(request); }

private:
    static void note() noexcept {
        decided = last_reading;
        decided_among = 0;
    }
    RateLimiter& limiter_;
};

struct Options {
    std::string redis;
    std::string log;
    OnRedisFailure on_failure = OnRedisFailure::closed;
    unsigned threads = 1;
    unsigned instances = 1;
    int window_percent = 100;
};

class Driver {
public:
    explicit Driver(const Options& options)
        : loops_{options.threads},
          client_{loops_, RedisSettings{options.redis, 150ms}, metrics_},
          // The share's window goes by the same clock, so that its admissions have exact moments, too.
          local_{{},
                 [] {
                     const auto now = runtime::boot_now();
                     decided = last_reading;
                     return TimePoint{now};
                 }},
          instances_{client_, options.instances, [this]() -> awaitable<void> { return leased_.charge(); }},
          step_{{&noted_, local_,
                 [this] {
                     decided_among = static_cast<std::uint16_t>(instances_.count());
                     return instances_.count();
                 }},
                tiers(options),
                clients_,
                {},
                metrics_},
          log_{options.log},
          expected_load_{options.instances * options.threads} {
        for (std::size_t i = 0; i < routes_.size(); ++i) routes_[i].options.cost = i + 1;
    }

    void run() {
        loops_.start();
        client_.start();
        instances_.start();
        for (std::size_t loop = 0; loop < loops_.size(); ++loop) {
            std::uint32_t first = 0;
            for (const auto& group : groups_) {
                start(loop, group, first);
                first += group.keys;
            }
        }
        for (;;) {
            log_.totals().available = client_.available() ? 1 : 0;
            log_.totals().instances = instances_.count();
            std::this_thread::sleep_for(10ms);
        }
    }

private:
    using Pattern = LoadGroup::Pattern;

    /// Asks for one key after the other, as a connection would.
    struct Caller {
        Caller(Executor executor, const LoadGroup& its_group, std::uint32_t first)
            : group{its_group}, first_key{first}, exchange{executor, body}, pause{executor} {
            exchange.identity.kind = Identity::Kind::api_key;
            exchange.identity.tier = group.tier;
            exchange.request_id = "r";
        }
        std::uint32_t random(std::uint32_t from, std::uint32_t to) {
            return std::uniform_int_distribution<std::uint32_t>{from, to}(engine);
        }
        Duration exponential(double per_second) {
            const auto seconds = std::exponential_distribution<double>{per_second}(engine);
            return std::chrono::duration_cast<Duration>(std::chrono::duration<double>{seconds});
        }

        awaitable<void> sleep(Duration time) {
            pause.expires_after(time);
            co_await pause.async_wait(use_awaitable);
        }

        const LoadGroup& group;
        std::uint32_t first_key;
        std::mt19937 engine{std::random_device{}()};
        test::NoBody body;
        Exchange exchange;
        runtime::Timer pause;
    };

    static std::map<std::string, Tier> tiers(const Options& options) {
        std::map<std::string, Tier> all;
        for (const auto& group : load_groups()) {
            auto& tier = all[group.tier] = Tier{group.limits, options.on_failure};
            for (auto& limit : tier.limits) limit.window = limit.window * options.window_percent / 100;
        }
        return all;
    }

    void start(std::size_t loop, const LoadGroup& group, std::uint32_t first) {
        const auto executor = loops_.serving(loop).executor();
        const auto escalate = [](std::exception_ptr error) {
            if (error) std::rethrow_exception(error);
        };
        const auto add = [&](std::uint32_t key) {
            auto caller = std::make_unique<Caller>(executor, group, key);
            auto work = group.pattern == Pattern::edge ? attack(std::move(caller)) : drive(std::move(caller));
            boost::asio::co_spawn(executor, std::move(work), escalate);
        };
        switch (group.pattern) {
            case Pattern::hot:  // two, so that one waits for what the other asks
                for (std::uint32_t key = 0; key < 2 * group.keys; ++key) add(first + key / 2);
                break;
            case Pattern::steady:
            case Pattern::bursts:
            case Pattern::edge:
                for (std::uint32_t key = 0; key < group.keys; ++key) add(first + key);
                break;
            case Pattern::cold:
                add(first);
                break;
        }
    }

    awaitable<void> drive(std::unique_ptr<Caller> caller) {
        auto& one = *caller;
        const auto& limit = one.group.limits.front();
        const auto life = policy::LeaseTerms::of(limit.window).life;
        const auto rate = static_cast<double>(limit.requests) / std::chrono::duration<double>(limit.window).count();
        for (;;) {
            std::uint32_t requests = 1;
            std::uint32_t key = one.first_key;
            Duration wait{};
            switch (one.group.pattern) {
                case Pattern::hot:
                    requests = 10;
                    wait = 5ms;
                    break;
                case Pattern::steady:
                    wait = one.exponential(1.3 * rate / expected_load_);
                    break;
                case Pattern::bursts: {
                    requests = one.random(1, static_cast<std::uint32_t>(limit.requests) / 2);
                    const auto most = std::array<Duration, 3>{life, 8 * life, limit.window}[one.random(0, 2)];
                    wait = most * one.random(1, 100) / 100;
                    break;
                }
                case Pattern::cold:
                    key += one.random(0, one.group.keys - 1);
                    wait = one.exponential(1'200.0 / expected_load_);
                    break;
                case Pattern::edge:  // see attack
                    break;
            }
            co_await request(one, key, requests);
            co_await one.sleep(wait);
        }
    }

    /// In rounds that begin for all processes at once. What a window must not hold together: tokens of the first burst that
    /// are used late, and those of the second, which Redis grants as soon as it has forgotten the first.
    awaitable<void> attack(std::unique_ptr<Caller> caller) {
        auto& one = *caller;
        const auto key = one.first_key;
        const auto& limit = one.group.limits.front();
        const auto terms = policy::LeaseTerms::of(limit.window);
        const auto share = static_cast<std::uint32_t>(limit.requests) / expected_load_;
        const auto nanoseconds = [](Duration duration) { return std::chrono::nanoseconds{duration}.count(); };
        const auto length = nanoseconds(5 * terms.window / 2);
        const auto offset =
            nanoseconds(terms.window * (key % 5) / 2);  // of the keys, so that they do not take turns in one queue
        for (;;) {
            const auto start = ((moment() - offset) / length + 1) * length + offset;
            co_await one.sleep(std::chrono::nanoseconds{start - moment()});
            co_await request(one, key, one.random(share / 2, share * 3 / 2));
            const auto longest = (one.random(0, 1) == 0 ? 1 : 16) * terms.life;
            const auto late = start + nanoseconds(longest) * one.random(1, 100) / 100;
            co_await one.sleep(std::chrono::nanoseconds{late - moment()});
            co_await request(one, key, share / 10 + 1);
            co_await one.sleep(std::chrono::nanoseconds{start + nanoseconds(terms.window * 9 / 10) - moment()});
            while (moment() < start + nanoseconds(terms.hold + 4 * terms.life)) {
                co_await request(one, key, share / 5 + 1);
                co_await one.sleep(1ms);
            }
        }
    }

    awaitable<void> request(Caller& one, std::uint32_t key, std::uint32_t times) {
        one.exchange.identity.id = std::to_string(key);
        for (std::uint32_t i = 0; i < times; ++i) co_await request(one, key);
    }

    awaitable<void> request(Caller& one, std::uint32_t key) {
        auto& exchange = one.exchange;
        const auto cost = one.random(0, 1) == 0 ? 1 : one.group.most_cost;
        exchange.route = &routes_[cost - 1];
        exchange.applied_limit.reset();
        Admission admission{.called = moment(), .key = key, .cost = static_cast<std::uint16_t>(cost)};
        auto step = step_.before(exchange);
        auto answer = std::optional<Response>{};
        if (auto* waits = std::get_if<awaitable<std::optional<Response>>>(&step)) {
            answer = co_await std::move(*waits);
        } else if (auto* at_once = std::get_if<Response>(&step)) {
            answer = std::move(*at_once);
        }
        auto& totals = log_.totals();
        ++totals.requests;
        if (answer) {
            ++(answer->status == 429 ? totals.rejected : totals.refused);
            co_return;
        }
        admission.decided = decided;
        admission.instances = decided_among;
        if (admission.instances > 0) ++totals.local;
        admission.answered = moment();
        log_.append(admission);
    }

    const std::vector<LoadGroup> groups_ = load_groups();
    telemetry::Metrics metrics_;
    runtime::EventLoops loops_;
    redis::Client client_;
    redis::LeasedRateLimiter leased_{client_};
    NotedLimiter noted_{leased_};
    memory::RateLimiter local_;
    redis::LiveInstances instances_;
    std::array<Route, 3> routes_;  // costing 1, 2 and 3
    const middleware::LimitedClients clients_;
    middleware::RateLimitStep step_;
    AdmissionLog log_;
    const unsigned expected_load_;  // by so many loops together
};

Options read(int count, char** arguments) {
    if (count < 6 || count > 7) throw std::invalid_argument{"usage: URL LOG closed|local THREADS INSTANCES [PERCENT]"};
    Options options{.redis = arguments[1], .log = arguments[2]};
    if (std::string_view{arguments[3]} == "local") options.on_failure = OnRedisFailure::local;
    options.threads = static_cast<unsigned>(std::stoul(arguments[4]));
    options.instances = static_cast<unsigned>(std::stoul(arguments[5]));
    if (count == 7) options.window_percent = std::stoi(arguments[6]);
    return options;
}

}  // namespace
}  // namespace sluice::test

int main(int count, char** arguments) try {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // it runs for ever, but not without the test
    sluice::test::Driver{sluice::test::read(count, arguments)}.run();
} catch (const std::exception& error) {
    std::cerr << "limiter_driver: " << error.what() << '\n';
    return 1;
}

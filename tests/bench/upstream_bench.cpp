// What a request to a service costs this process: breakers, and a small answer over a kept connection.
#include "bench/measurement.hpp"
#include "policy/circuit_breaker.hpp"
#include "runtime/event_loops.hpp"
#include "support/origin.hpp"
#include "telemetry/metrics.hpp"
#include "upstream/service.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <ctime>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace sluice::bench {
namespace {

void pass_a_breaker_by_rate(benchmark::State& state) {
    policy::CircuitBreaker::Settings settings;
    settings.rate.emplace();
    policy::CircuitBreaker breaker{settings};
    auto now = Clock::now();
    for (auto _ : state) {
        auto permit = breaker.try_acquire(now);
        now += std::chrono::microseconds{10};
        permit->succeed(now);
    }
}

constexpr int requests_each = 2'000;

awaitable<void> ask_often(std::shared_ptr<Upstream> upstream, int& failed) {
    for (int i = 0; i < requests_each; ++i) {
        UpstreamRequest request;
        request.target = "/latest/EUR";
        const auto answer =
            co_await upstream->fetch(std::move(request), 1'000'000, Deadline::after(Clock::now(), std::chrono::seconds{30}));
        if (!answer || answer->head.status != 200) ++failed;
    }
}

double cpu_of(Executor executor) {
    const auto seconds = std::make_shared<std::promise<double>>();
    boost::asio::post(executor, [seconds] {
        timespec now{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        seconds->set_value(static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec));
    });
    return seconds->get_future().get();
}

/// Processor time of the loop alone, 32 requests at once.
void ask_a_service(benchmark::State& state) {
    constexpr int at_once = 32;
    const auto answer = test::OriginAnswer::status(200, std::string(200, 'x'), "Content-Type: application/json\r\n");
    test::Origin origin{[&](const test::OriginRequest&) { return answer; }};
    telemetry::Metrics metrics;
    runtime::EventLoops loops{1};
    UpstreamSettings settings;
    settings.name = "quotes";
    settings.endpoints.push_back({origin.url()});
    const auto service = std::make_shared<upstream::Service>(settings, loops, metrics);
    service->start();
    loops.start();
    const auto executor = loops.serving(0).executor();
    for (auto _ : state) {
        const auto before = cpu_of(executor);
        int failed = 0;
        std::vector<std::future<void>> all;
        for (int i = 0; i < at_once; ++i) {
            auto promise = std::make_shared<std::promise<void>>();
            all.push_back(promise->get_future());
            boost::asio::co_spawn(executor, ask_often(service->route("r"), failed),
                                  [promise](const std::exception_ptr&) { promise->set_value(); });
        }
        for (auto& one : all) one.get();
        if (failed > 0) state.SkipWithError("a request failed");
        report(state, (cpu_of(executor) - before) / (at_once * requests_each) / 1000);
    }
    service->stop();
    loops.stop();
}

/// Takes connections and says nothing, in a process of its own, whose memory is not ours. Ends with the object.
class SilentService {
public:
    SilentService() {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 4096) != 0) return;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        child_ = ::fork();
        if (child_ != 0) return;
        for (;;) {
            if (::accept(listener_, nullptr, nullptr) < 0) ::_exit(1);
        }
    }
    ~SilentService() {
        if (child_ > 0) {
            ::kill(child_, SIGKILL);
            ::waitpid(child_, nullptr, 0);
        }
        ::close(listener_);
    }
    SilentService(const SilentService&) = delete;
    SilentService& operator=(const SilentService&) = delete;

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

private:
    int listener_ = -1;
    std::uint16_t port_ = 0;
    ::pid_t child_ = -1;
};

double resident_bytes() {
    std::ifstream in{"/proc/self/statm"};
    double total = 0;
    double resident = 0;
    in >> total >> resident;
    return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

awaitable<void> ask_in_vain(std::shared_ptr<Upstream> upstream) {
    UpstreamRequest request;
    request.target = "/latest/EUR";
    static_cast<void>(co_await upstream->fetch(std::move(request), 1'000'000, Deadline::never()));
}

/// Requests that wait for their answers, all at once.
void wait_for_a_slow_service(benchmark::State& state) {
    constexpr std::size_t at_once = 10'000;
    rlimit descriptors{};
    ::getrlimit(RLIMIT_NOFILE, &descriptors);
    descriptors.rlim_cur = descriptors.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &descriptors);
    if (descriptors.rlim_cur < at_once + 500) return state.SkipWithError("too few descriptors");
    SilentService silent;
    telemetry::Metrics metrics;
    runtime::EventLoops loops{1};
    UpstreamSettings settings;
    settings.name = "quotes";
    settings.connections = at_once;
    settings.timeouts.connect = settings.timeouts.response = std::chrono::minutes{5};
    settings.endpoints.push_back({silent.url()});
    const auto service = std::make_shared<upstream::Service>(settings, loops, metrics);
    service->start();
    loops.start();
    const auto upstream = service->route("r");
    for (auto _ : state) {
        const auto before = resident_bytes();
        std::atomic<std::size_t> ended{0};
        for (std::size_t i = 0; i < at_once; ++i)
            boost::asio::co_spawn(loops.serving(0).executor(), ask_in_vain(upstream),
                                  [&](const std::exception_ptr&) { ++ended; });
        const auto busy = R"(sluice_upstream_connections{state="busy",upstream="quotes"} )" + std::to_string(at_once);
        const auto until = Clock::now() + std::chrono::minutes{1};
        do service->refresh_metrics(Clock::now());
        while (metrics.render().find(busy) == std::string::npos && Clock::now() < until);
        cpu_of(loops.serving(0).executor());  // behind the last of them
        report(state, (resident_bytes() - before) / at_once / 1024);
        service->stop();
        while (ended < at_once && Clock::now() < until) std::this_thread::yield();
        if (ended < at_once) state.SkipWithError("not all of them ended with the stop");
    }
    loops.stop();
}

const std::vector<benchmark::internal::Benchmark*> registered{
    measure("circuit breaker by rate passed", {"ns", 50}, pass_a_breaker_by_rate)->Iterations(1'000'000)->Repetitions(5),
    measure("a service asked, small answer, processor time", {"us", 12}, ask_a_service)->Iterations(1)->Repetitions(5),
    measure("10,000 slow requests to a service, memory each", {"KiB", 16}, wait_for_a_slow_service)->Iterations(1),
};

}  // namespace
}  // namespace sluice::bench

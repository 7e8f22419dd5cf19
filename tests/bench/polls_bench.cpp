// What it costs the primary that every instance asks it ten times a second what has changed.
#include "bench/measurement.hpp"
#include "postgres/connection/connection.hpp"
#include "postgres/schema/change_feed.hpp"
#include "postgres/schema/schema.hpp"
#include "support/private_stack.hpp"

#include <atomic>
#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace sluice::bench {
namespace {

using namespace std::chrono_literals;

/// Nanoseconds on a processor (/proc/PID/schedstat).
double nanoseconds_run(const std::string& pid) {
    std::ifstream in{"/proc/" + pid + "/schedstat"};
    double run = 0;
    in >> run;
    return run;
}

class Pollers {
public:
    explicit Pollers(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            feeds_.push_back(std::make_unique<postgres::ChangeFeed>(postgres::ChangeFeed::Settings{.url = url_},
                                                                    [this](const postgres::Poll&) { ++polls_; }));
            feeds_.back()->start();
        }
        // The first poll of each reads all there is: what is measured are the others.
        while (polls_ < 3 * count) std::this_thread::sleep_for(10ms);
    }

    /// On the primary's processors, by all of them together since the last call.
    struct Cost {
        double nanoseconds = 0;
        std::size_t polls = 0;
    };
    Cost cost_of(Duration time) {
        const Cost before{run_by_backends(), polls_};
        std::this_thread::sleep_for(time);
        return {run_by_backends() - before.nanoseconds, polls_ - before.polls};
    }

private:
    double run_by_backends() {
        const auto backends = connection_.execute(
            "select pid from pg_stat_activity where application_name = 'sluice' and pid <> pg_backend_pid()",
            Clock::now() + 10s);
        double total = 0;
        for (const auto& row : backends) total += nanoseconds_run(row.at(0).value_or(""));
        return total;
    }

    const std::string url_ = test::PrivateStack::instance().env("SLUICE_PG_PRIMARY");
    postgres::Watchdog watchdog_;
    postgres::Connection connection_{url_, watchdog_, Clock::now() + 10s};
    std::atomic<std::size_t> polls_{0};
    std::vector<std::unique_ptr<postgres::ChangeFeed>> feeds_;  // last: their threads count
};

/// A thousand invalidations are known, as after some minutes of writes.
void migrate_once() {
    static const bool done = [] {
        const auto& url = test::PrivateStack::instance().env("SLUICE_PG_PRIMARY");
        postgres::migrate(url);
        postgres::Watchdog watchdog;
        postgres::Connection connection{url, watchdog, Clock::now() + 10s};
        connection.execute(
            "insert into sluice.invalidation (kind, name) select 'tag', 'city:' || i from generate_series(1, 1000) i",
            Clock::now() + 10s);
        return true;
    }();
    static_cast<void>(done);
}

template <std::size_t pollers>
void microseconds_per_poll(benchmark::State& state) {
    migrate_once();
    Pollers all{pollers};
    Pollers::Cost cost;
    for (auto _ : state) cost = all.cost_of(5s);
    report(state, cost.nanoseconds / static_cast<double>(cost.polls) / 1'000);
}

const std::vector<benchmark::internal::Benchmark*> registered{
    measure_once("poll, processor time of the primary, 1 poller", {"us", {}}, microseconds_per_poll<1>),
    measure_once("  10 pollers", {"us", {}}, microseconds_per_poll<10>),
    measure_once("  100 pollers", {"us", {}}, microseconds_per_poll<100>),
};

}  // namespace
}  // namespace sluice::bench

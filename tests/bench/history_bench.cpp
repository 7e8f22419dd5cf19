// What a history costs that is long: 100,000 invalidations behind a transaction that stays open, which no snapshot contains.
#include "bench/measurement.hpp"
#include "cache/coherence.hpp"
#include "postgres/schema/feed_query.hpp"
#include "postgres/schema/schema.hpp"
#include "postgres/workers/session.hpp"
#include "runtime/boot_clock.hpp"
#include "support/private_stack.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace sluice::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t invalidations = 100'000;

/// Looks a copy up whose tag was invalidated so often before it was loaded, each time after something else was invalidated.
double nanoseconds_per_judgement(std::uint64_t before) {
    cache::Coherence coherence;
    postgres::Poll poll;
    poll.sent = Clock::now();
    poll.asleep = runtime::asleep();
    poll.coherent = true;
    poll.history = 1;
    poll.snapshot = {before + 1'000, {5}};
    for (std::uint64_t xid = 10; xid < 10 + before; ++xid)
        poll.invalidations.push_back({0, xid, policy::Invalidation::Kind::tag, "city:1"});
    coherence.learn(poll);
    poll.invalidations.clear();
    cache::CachedValue value;
    value.loaded_at = Clock::now();
    value.ttl = 1h;
    value.tags = {"city:1"};
    value.label = Label{1, {before + 100, {5}}};
    constexpr int rounds = 20'000;
    Duration taken{0};
    for (int i = 0; i < rounds; ++i) {
        const policy::Invalidation other{0, before + 50, policy::Invalidation::Kind::tag, "country:FR"};
        coherence.learn({&other, 1}, Clock::now());
        const auto from = Clock::now();
        benchmark::DoNotOptimize(coherence.judge(value, from));
        taken += Clock::now() - from;
    }
    return static_cast<double>(taken.count()) / rounds;
}

template <std::uint64_t before>
void judgement(benchmark::State& state) {
    for (auto _ : state) report(state, nanoseconds_per_judgement(before));
}

/// A primary with the invalidations, made while a transaction is open.
class OpenTransaction {
public:
    OpenTransaction() {
        postgres::migrate(url_);
        open_.execute("begin; select pg_current_xact_id()", limit_);
        other_.execute("insert into sluice.invalidation (kind, name) select 'tag', 'city:' || i from generate_series(1, " +
                           std::to_string(invalidations) + ") i",
                       limit_);
        other_.execute("analyze sluice.invalidation", limit_);
    }
    void end() { open_.execute("rollback; delete from sluice.invalidation", limit_); }

private:
    const TimePoint limit_ = Clock::now() + 600s;
    const std::string url_ = test::PrivateStack::instance().env("SLUICE_PG_PRIMARY");
    postgres::Watchdog watchdog_;
    postgres::Connection open_{url_, watchdog_, limit_};
    postgres::Connection other_{url_, watchdog_, limit_};
};

double median(std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
}

/// Of so many calls, in microseconds.
template <class Call>
double microseconds(int calls, const Call& call) {
    std::vector<double> each;
    each.reserve(static_cast<std::size_t>(calls));
    for (int i = 0; i < calls; ++i) {
        const auto from = Clock::now();
        call();
        each.push_back(std::chrono::duration<double, std::micro>(Clock::now() - from).count());
    }
    return median(std::move(each));
}

struct Waits {
    double read = 0;  // labelled
    double poll = 0;
};

Waits waits_now() {
    const auto& url = test::PrivateStack::instance().env("SLUICE_PG_PRIMARY");
    const auto limit = Clock::now() + 600s;
    postgres::Watchdog watchdog;
    postgres::KnownPrimary known;
    postgres::Connection connection{url, watchdog, limit};
    postgres::FeedPosition position;
    known.polled(postgres::poll_changes(connection, position, limit));
    postgres::Session::Settings settings{url};
    settings.to_primary = true;
    settings.primary = &known;
    postgres::Session session{settings, watchdog, limit};
    StatementSpec spec;
    spec.name = "GET /x";
    spec.sql = "select 1 as x";
    spec.labelled = true;
    const sql::Statement statement{spec};
    const Query query;
    Waits waits;
    waits.read = microseconds(3'000, [&] { session.read(0, statement, query, Clock::now() + 5s); });
    waits.poll = microseconds(1'000, [&] { known.polled(postgres::poll_changes(connection, position, limit)); });
    return waits;
}

void waits_without_and_with(benchmark::State& state, double Waits::*which, bool ratio) {
    for (auto _ : state) {
        postgres::migrate(test::PrivateStack::instance().env("SLUICE_PG_PRIMARY"));
        const auto without = waits_now();
        OpenTransaction open;
        const auto with = waits_now();
        open.end();
        report(state, ratio ? with.*which / without.*which : with.*which);
    }
}
void read_ratio(benchmark::State& state) { waits_without_and_with(state, &Waits::read, true); }
void poll_wait(benchmark::State& state) { waits_without_and_with(state, &Waits::poll, false); }

const std::vector<benchmark::internal::Benchmark*> registered{
    measure_once("a copy judged anew, its tag never invalidated", {"ns", {}}, judgement<0>),
    measure_once("  100,000 times", {"ns", {}}, judgement<invalidations>),
    measure_once("a labelled read behind 100,000 of an open transaction, to without", {"x", {}}, read_ratio),
    measure_once("a poll there, as its instance waits for it", {"us", {}}, poll_wait),
};

}  // namespace
}  // namespace sluice::bench

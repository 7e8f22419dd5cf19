#include "app/usage_flow.hpp"

#include "postgres/schema/usage_store.hpp"
#include "runtime/on_lane.hpp"
#include "runtime/random_name.hpp"
#include "sluice/problem.hpp"
#include "telemetry/log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <exception>
#include <future>
#include <map>
#include <utility>

namespace sluice::app {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr std::size_t at_once = 500;  // keys in one addition: a millisecond or so of Redis
constexpr std::size_t to_primary_at_once = 5'000;
constexpr Duration primary_patience = 10s;
constexpr unsigned batches_in_a_row = 20;  // then additions have their turn

}  // namespace

/// What the loop and `stop` share.
struct UsageFlow::Run {
    explicit Run(Executor executor) : timer{executor} {}
    runtime::Timer timer;
    bool stopping = false;
    std::promise<void> over;
};

UsageFlow::UsageFlow(Settings settings, memory::UsageCounter& counter, redis::UsageLog* log, runtime::EventLoops& loops,
                     telemetry::Metrics& metrics)
    : settings_{std::move(settings)},
      counter_{counter},
      log_{log},
      executor_{loops.background().executor()},
      waiting_keys_{metrics.usage_waiting_keys()},
      dropped_{metrics.usage_dropped()} {}

UsageFlow::~UsageFlow() { stop(); }

void UsageFlow::start() {
    run_ = std::make_shared<Run>(executor_);
    const auto escalate = [](std::exception_ptr error) {
        if (error) std::rethrow_exception(error);
    };
    asio::co_spawn(executor_, run(run_), escalate);
}

void UsageFlow::stop() {
    if (!run_) return;
    const auto run = std::exchange(run_, nullptr);
    auto over = run->over.get_future();
    asio::post(executor_, [run] {
        run->stopping = true;
        run->timer.cancel();
    });
    const bool stored = !executor_.context().stopped() && over.wait_for(1500ms) == std::future_status::ready && !unstored_ &&
                        counter_.waiting() == 0;
    if (!stored)
        log::warning("usage_lost",
                     {{"detail", "the usage of the last moments could not be stored"}, {"keys", counter_.waiting()}});
}

awaitable<void> UsageFlow::run(std::shared_ptr<Run> run) {
    auto settle_at = Clock::now() + settings_.settle;
    for (bool last = false; !last;) {
        last = run->stopping;
        while (co_await flush()) {
        }
        if (!run->stopping && log_ && Clock::now() >= settle_at) {
            co_await settle(*run);
            settle_at = Clock::now() + settings_.settle;
        }
        if (last || run->stopping) continue;
        run->timer.expires_after(settings_.flush);
        boost::system::error_code cancelled;
        co_await run->timer.async_wait(asio::redirect_error(use_awaitable, cancelled));
    }
    run->over.set_value();
}

// True: some were stored, and there may be more.
awaitable<bool> UsageFlow::flush() {
    const auto dropped = counter_.dropped();
    dropped_.add(static_cast<double>(dropped - std::exchange(dropped_told_, dropped)));
    if (!unstored_) {
        auto usage = counter_.take(log_ ? at_once : to_primary_at_once);
        if (!usage.empty()) unstored_ = Sums{++sequence_, runtime::random_name(), std::move(usage)};
    }
    waiting_keys_.set(static_cast<double>(counter_.waiting() + (unstored_ ? unstored_->usage.size() : 0)));
    if (!unstored_) co_return false;
    const bool stored = co_await store(*unstored_);
    if (stored) {
        unstored_.reset();
    } else if (throttle_.pass(Clock::now())) {
        log::warning("usage_not_stored", {{"keys", counter_.waiting() + unstored_->usage.size()}});
    }
    co_return stored;
}

awaitable<bool> UsageFlow::store(const Sums& sums) {
    if (log_) co_return co_await log_->add(sums.sequence, sums.usage, Deadline::never());
    co_return co_await add_to_primary(sums.id, sums.usage);
}

awaitable<void> UsageFlow::settle(const Run& run) {
    for (unsigned i = 0; i < batches_in_a_row && !run.stopping; ++i) {
        auto batch = co_await log_->oldest_closed(settings_.settle, Deadline::never());
        if (!batch || !co_await add_to_primary(batch->id, std::move(batch->usage))) co_return;
        if (!co_await log_->forget(std::move(*batch), Deadline::never())) co_return;
    }
}

awaitable<bool> UsageFlow::add_to_primary(std::string batch, std::vector<policy::KeyUsage> usage) {
    std::function<bool()> work = [primary = settings_.primary, batch = std::move(batch), usage = std::move(usage)] {
        postgres::add_usage(primary, batch, usage);
        return true;  // also if it was there already
    };
    try {
        const auto added =
            co_await runtime::on_lane<bool>(lane_, executor_, Deadline::after(Clock::now(), primary_patience), work);
        co_return added.has_value();
    } catch (const std::exception& error) {
        if (throttle_.pass(Clock::now())) log::warning("usage_not_moved", {{"error", error.what()}});
    }
    co_return false;
}

awaitable<admin::UsageReport> read_usage(std::string primary, redis::UsageLog* log, runtime::BlockingLane& lane,
                                         Executor executor, std::string key, unsigned days, Deadline deadline) {
    const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
    const auto since = today - std::chrono::days{days - 1};
    std::vector<std::chrono::sys_days> all_days;
    for (auto day = since; day <= today; day += std::chrono::days{1}) all_days.push_back(day);

    // What is on its way first: a batch that arrives in between is then known by its id, and not counted twice.
    admin::UsageReport report;
    std::vector<redis::UsageLog::Pending> pending;
    if (log) {
        auto answer = co_await log->pending(key, std::move(all_days), deadline);
        report.complete = answer.has_value();
        if (answer) pending = std::move(*answer);
    }
    std::vector<std::string> batches;
    batches.reserve(pending.size());
    for (const auto& one : pending) batches.push_back(one.batch);
    std::function<postgres::StoredUsage()> read = [primary = std::move(primary), key, since, batches = std::move(batches)] {
        return postgres::read_usage(primary, key, since, batches);
    };
    auto stored = co_await runtime::on_lane<postgres::StoredUsage>(lane, executor, deadline, std::move(read));
    if (!stored) {
        const bool full = stored.error() == runtime::LaneError::full;
        throw ProblemError{Problem::of(full ? 503 : 504, full ? "Too many requests wait already." : "It took too long.")};
    }

    std::map<std::chrono::sys_days, policy::Usage, std::greater<>> sums;
    for (const auto& day : stored->days) sums[day.day] += day.usage;
    for (const auto& one : pending) {
        if (!stored->batches.contains(one.batch)) sums[one.day] += one.usage;
    }
    report.days.reserve(sums.size());
    for (const auto& [day, usage] : sums) report.days.push_back({key, day, usage});
    co_return report;
}

}  // namespace sluice::app

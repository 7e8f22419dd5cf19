#include "postgres/pipeline/loop_readers.hpp"

#include "runtime/on_loops.hpp"
#include "runtime/random_bits.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace sluice::postgres {
namespace {

constexpr Duration setup_limit = std::chrono::seconds{2};
constexpr Duration cancel_limit = std::chrono::seconds{1};
constexpr std::size_t queued_tasks = 1024;

}  // namespace

LoopReaders::LoopReaders(Settings settings, std::vector<Executor> loops, Watchdog& watchdog, ConnectionRoom& room,
                         telemetry::Metrics& metrics, Events events)
    : settings_{std::move(settings)}, watchdog_{watchdog}, room_{room}, events_{std::move(events)} {
    if (settings_.per_loop == 0) return;
    reads_.reserve(loops.size());
    for (std::size_t i = 0; i < loops.size(); ++i) {
        PipelinedReads::Events told{
            [this, i] { make_one(reads_[i]); },
            [this, loop = loops[i]](int backend, std::function<void()> done) {
                const bool queued = submit([this, backend, loop, done] {
                    cancel(backend);
                    boost::asio::post(loop, done);
                });
                if (!queued) boost::asio::post(loop, done);
            },
            events_.workers_have_room,
            [this] { return watchdog_.stopping(); },
            [this] { room_.gone(ConnectionRoom::User::loops); },
        };
        reads_.push_back(std::make_shared<PipelinedReads>(
            loops[i], PipelinedReads::Settings{settings_.server, settings_.per_loop, settings_.session.timeout}, metrics,
            std::move(told)));
    }
}

LoopReaders::~LoopReaders() { stop(); }

void LoopReaders::start() {
    const std::lock_guard lock{mutex_};
    if (!reads_.empty()) thread_ = std::make_unique<runtime::BlockingLane>(1, queued_tasks);
}

void LoopReaders::stop() {
    std::unique_ptr<runtime::BlockingLane> thread;
    {
        const std::lock_guard lock{mutex_};
        thread.swap(thread_);
    }
    if (!thread) return;
    thread.reset();
    canceller_.reset();
    std::vector<runtime::LoopTask> tasks;
    tasks.reserve(reads_.size());
    for (const auto& reads : reads_) tasks.push_back({reads->executor(), [reads] { reads->stop(); }});
    runtime::run_on_loops(std::move(tasks));
}

PipelinedReads* LoopReaders::of(const Executor& loop) const noexcept {
    for (const auto& reads : reads_) {
        if (reads->executor() == loop) return reads->up() ? reads.get() : nullptr;
    }
    return nullptr;
}

bool LoopReaders::submit(std::function<void()> job) {
    const std::lock_guard lock{mutex_};
    return thread_ && thread_->try_submit([job = std::move(job)](std::size_t) { job(); });
}

void LoopReaders::heal() {
    if (room_.wanted()) {
        for (const auto& reads : reads_) {
            boost::asio::post(reads->executor(), [this, reads] {
                if (reads->up() && room_.give_up(ConnectionRoom::User::loops)) reads->give_one_up();
            });
        }
    }
    for (const auto& reads : reads_) make_one(reads);
}

// All that are missing, one after the other.
void LoopReaders::make_one(const Pointer& reads) {
    while (reads->take_missing()) {
        if (submit([this, reads] { connect(reads); })) continue;
        return reads->give_back();
    }
}

void LoopReaders::connect(const Pointer& reads) {
    const auto now = Clock::now();
    constexpr auto user = ConnectionRoom::User::loops;
    if (events_.away() || watchdog_.stopping() || now < retry_at_ || !room_.may_connect(user)) return reads->give_back();
    try {
        auto session = std::make_unique<Session>(settings_.session, watchdog_, now + setup_limit);
        backoff_.reset();
        room_.made(user);
        events_.made();
        boost::asio::post(reads->executor(),
                          [reads, session = std::move(session)]() mutable { reads->adopt(std::move(session)); });
    } catch (const std::exception& error) {
        if (says_no_room(error)) {
            room_.refused(user, error.what());
        } else {
            retry_at_ = Clock::now() + backoff_.next(runtime::random_bits());
        }
        reads->give_back();
    }
}

// Over a connection of its own: the one that the statement runs on has its answer to give.
void LoopReaders::cancel(int backend) {
    if (events_.away() || watchdog_.stopping()) return;
    try {
        const auto limit = Clock::now() + cancel_limit;
        // Kept: an overloaded server must not have to make one for each.
        if (!canceller_ || !canceller_->usable())
            canceller_ = std::make_unique<Connection>(settings_.session.url, watchdog_, limit);
        canceller_->execute("select pg_cancel_backend(" + std::to_string(backend) + ")", limit);
    } catch (const std::exception&) {
        canceller_.reset();  // the statement's own timeout ends it
    }
}

}  // namespace sluice::postgres

#include "postgres/schema/change_feed.hpp"

#include "policy/backoff.hpp"
#include "postgres/connection/watchdog.hpp"
#include "postgres/schema/feed_query.hpp"
#include "postgres/schema/idempotency.hpp"
#include "telemetry/log.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <utility>

namespace sluice::postgres {
namespace {

using std::chrono::milliseconds;

// However often we are poked: what is committed meanwhile comes with the next poll all the same.
constexpr Duration least_interval = milliseconds{5};
constexpr Duration purge_every = std::chrono::hours{1};
constexpr std::size_t purge_at_once = 5'000;  // some 50 ms, so that polls hardly wait for it
// A first poll may have to read a long table back.
constexpr Duration first_answer_within = std::chrono::seconds{20};

}  // namespace

class ChangeFeed::Impl {
public:
    Impl(Settings settings, OnPoll on_poll, OnFailure on_failure)
        : settings_{std::move(settings)}, on_poll_{std::move(on_poll)}, on_failure_{std::move(on_failure)} {}

    ~Impl() { stop(); }

    void start() {
        thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
    }

    void stop() {
        watchdog_.stop();
        thread_.request_stop();
        if (thread_.joinable()) thread_.join();
    }

    void poke() {
        {
            const std::lock_guard lock{mutex_};
            poked_ = true;
        }
        wake_.notify_one();
    }

    bool coherent() const noexcept { return coherent_.load(std::memory_order_relaxed); }

    void keep_for(std::chrono::seconds retention) noexcept {
        auto known = retention_.load(std::memory_order_relaxed);
        while (known < retention.count() && !retention_.compare_exchange_weak(known, retention.count())) {
        }
    }

private:
    void run(const std::stop_token& stop) {
        while (!stop.stop_requested() && !watchdog_.stopping()) {
            const auto started = Clock::now();
            if (poll()) {
                failing_ = false;
                backoff_.reset();
                wait(stop, started + least_interval, started + (more_keys_ ? least_interval : Duration{settings_.interval}));
            } else {
                connection_.reset();
                position_.identity.reset();
                if (watchdog_.stopping()) return;
                const auto retry = Clock::now() + backoff_.next(random_());
                wait(stop, retry, retry);
            }
        }
    }

    bool poll() {
        try {
            const bool reads_all = position_.history == 0;
            const auto limit = Clock::now() + (reads_all ? first_answer_within : Duration{settings_.answer_within});
            connect();
            const auto answer = ask(limit);
            coherent_.store(answer.coherent, std::memory_order_relaxed);
            more_keys_ = answer.coherent && !answer.keys_complete;
            if (failing_) log::info("change_feed_resumed", {{"restarted", answer.restarted}});
            on_poll_(answer);
        } catch (const std::exception& error) {
            if (!failing_ && !watchdog_.stopping()) log::warning("change_feed_failed", {{"error", error.what()}});
            failing_ = true;
            if (on_failure_ && !watchdog_.stopping()) on_failure_(error);
            return false;
        }
        purge_if_due();
        return true;
    }

    void connect() {
        if (connection_) return;
        const auto limit = Clock::now() + Duration{settings_.answer_within};
        connection_ = std::make_unique<Connection>(settings_.url, watchdog_, limit);
        // Planned once: planning is most of what a poll would cost. A plan that does not know the snapshot takes the new
        // rows for many, but finds them by the index if it must; that costs it nothing real, and is no reason to compile it.
        connection_->set_up(
            "set plan_cache_mode = force_generic_plan; set enable_seqscan = off; set jit = off; set statement_timeout = "
            "'20s'",
            limit);
    }

    Poll ask(TimePoint limit) {
        if (looked_for_schema_ && Clock::now() - *looked_for_schema_ < settings_.look_for_schema) {
            return poll_log(*connection_, position_, limit);
        }
        try {
            auto answer = poll_changes(*connection_, position_, limit);
            if (looked_for_schema_) log::info("invalidations_on", {});
            looked_for_schema_.reset();
            return answer;
        } catch (const SqlError& error) {
            if (judge(error.sqlstate()) != Verdict::no_bookkeeping) throw;
            if (!looked_for_schema_) {
                log::warning("invalidations_off",
                             {{"server", "primary"},
                              {"reason", "no schema sluice, an old one, or no right to use it: run `sluice migrate`"}});
            }
            looked_for_schema_ = Clock::now();
            position_.token = 0;
            return poll_log(*connection_, position_, limit);
        }
    }

    void purge_if_due() {
        const auto now = Clock::now();
        if (!coherent() || now < purge_at_) return;
        purge_at_ = now + purge_every;
        try {
            const auto limit = now + Duration{settings_.answer_within};
            std::size_t gone = 0;
            const std::chrono::seconds retention{retention_.load(std::memory_order_relaxed)};
            if (retention.count() > 0) gone = purge_invalidations(*connection_, retention, purge_at_once, limit);
            const auto answers = purge_kept_answers(*connection_, purge_at_once, limit);
            if (gone == purge_at_once || answers == purge_at_once) purge_at_ = now;  // more after the next poll
            if (gone > 0) log::debug("invalidations_purged", {{"rows", gone}});
            if (answers > 0) log::debug("idempotency_keys_purged", {{"rows", answers}});
        } catch (const SqlError& error) {
            log::warning("not_purged", {{"error", error.what()}});
        } catch (const std::exception&) {
            // The next poll finds out, and says so.
        }
    }

    // Until `latest`, or from `earliest` on as soon as somebody pokes.
    void wait(const std::stop_token& stop, TimePoint earliest, TimePoint latest) {
        std::unique_lock lock{mutex_};
        wake_.wait_until(lock, stop, earliest, [] { return false; });
        wake_.wait_until(lock, stop, latest, [this] { return poked_; });
        poked_ = false;
    }

    const Settings settings_;
    const OnPoll on_poll_;
    const OnFailure on_failure_;
    Watchdog watchdog_;
    std::atomic<bool> coherent_{false};
    std::mutex mutex_;
    std::condition_variable_any wake_;
    bool poked_ = false;  // guarded by the mutex

    // The thread's own.
    std::atomic<std::chrono::seconds::rep> retention_{settings_.retention.count()};
    std::unique_ptr<Connection> connection_;
    FeedPosition position_;
    std::optional<TimePoint> looked_for_schema_;  // in vain
    TimePoint purge_at_{};
    bool failing_ = false;
    bool more_keys_ = false;  // there are pages of key exceptions to read
    policy::Backoff backoff_{{milliseconds{25}, milliseconds{500}}};
    std::mt19937_64 random_{std::random_device{}()};
    std::jthread thread_;  // last: joined before what it uses goes
};

ChangeFeed::ChangeFeed(Settings settings, OnPoll on_poll, OnFailure on_failure)
    : impl_{std::make_unique<Impl>(std::move(settings), std::move(on_poll), std::move(on_failure))} {}

ChangeFeed::~ChangeFeed() = default;

void ChangeFeed::start() { impl_->start(); }

void ChangeFeed::stop() { impl_->stop(); }

void ChangeFeed::poke() { impl_->poke(); }

void ChangeFeed::keep_for(std::chrono::seconds retention) noexcept { impl_->keep_for(retention); }

bool ChangeFeed::coherent() const noexcept { return impl_->coherent(); }

}  // namespace sluice::postgres

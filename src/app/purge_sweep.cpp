#include "app/purge_sweep.hpp"

#include "cache/value_codec.hpp"
#include "telemetry/log.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <exception>
#include <functional>
#include <future>
#include <iterator>
#include <optional>
#include <utility>

namespace sluice::app {
namespace {

using Purges = std::vector<policy::Invalidation>;

constexpr auto again_after = std::chrono::seconds{1};
/// More that are waiting for a store which is away are one purge of everything.
constexpr std::size_t most_purges = 1'000;
constexpr std::size_t most_keys = 100'000;

awaitable<std::size_t> erase_all(std::shared_ptr<ByteStore> store, std::vector<std::string> keys) {
    std::size_t erased = 0;
    for (const auto& key : keys) {
        if (!co_await store->erase(key, Deadline::never())) break;
        ++erased;
    }
    co_return erased;
}

awaitable<std::optional<std::size_t>> search_for(std::shared_ptr<ByteStore> store, Purges purges) {
    std::function<bool(std::string_view)> named = [purges = std::move(purges)](std::string_view beginning) {
        return std::any_of(purges.begin(), purges.end(),
                           [&](const auto& purge) { return cache::names_copy(purge, beginning); });
    };
    co_return co_await store->erase_those(std::move(named), Deadline::never());
}

/// Runs it on that loop and waits for it.
template <class T>
T run_on(const Executor& executor, awaitable<T> work) {
    const auto promise = std::make_shared<std::promise<T>>();
    auto outcome = promise->get_future();
    boost::asio::co_spawn(executor, std::move(work), [promise](const std::exception_ptr& error, T value) {
        if (error) {
            promise->set_exception(error);
        } else {
            promise->set_value(std::move(value));
        }
    });
    return outcome.get();
}

}  // namespace

PurgeSweep::PurgeSweep(cache::TwoLevelCache& cache, std::shared_ptr<ByteStore> store, Executor executor)
    : cache_{cache}, store_{std::move(store)}, executor_{std::move(executor)} {}

PurgeSweep::~PurgeSweep() { stop(); }

void PurgeSweep::start() {
    thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
}

void PurgeSweep::request_stop() { thread_.request_stop(); }

void PurgeSweep::stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
}

void PurgeSweep::drop_held() {
    {
        const std::lock_guard lock{mutex_};
        asked_ = true;
    }
    wake_.notify_all();
}

void PurgeSweep::drop_everywhere(const Purges& purges) {
    {
        const std::lock_guard lock{mutex_};
        asked_ = true;
        if (store_) purges_.insert(purges_.end(), purges.begin(), purges.end());
        if (purges_.size() > most_purges) purges_.assign(1, {0, 0, policy::Invalidation::Kind::all, {}, true});
    }
    wake_.notify_all();
}

bool PurgeSweep::wait(Deadline deadline) {
    std::unique_lock lock{mutex_};
    return wake_.wait_until(lock, deadline.time(), [this] { return !asked_ && !working_; });
}

void PurgeSweep::run(const std::stop_token& stop) {
    std::vector<std::string> keys;
    std::unique_lock lock{mutex_};
    while (!stop.stop_requested()) {
        if (!asked_ && keys.empty() && purges_.empty()) {
            working_ = false;
            wake_.notify_all();
            wake_.wait(lock, stop, [this] { return asked_; });
            continue;
        }
        asked_ = false;
        working_ = true;
        auto purges = std::exchange(purges_, {});
        lock.unlock();
        auto held = cache_.drop_purged();
        if (!held.empty()) log::info("purged_copies_dropped", {{"level", "l1"}, {"copies", held.size()}});
        // Too many to remember while the store is away: whoever recorded the purge looks through it.
        if (store_ && keys.size() + held.size() <= most_keys) std::move(held.begin(), held.end(), std::back_inserter(keys));
        const bool done = erase_keys(keys) && (purges.empty() || search(purges));
        lock.lock();
        if (done) continue;
        purges_.insert(purges_.end(), purges.begin(), purges.end());
        wake_.wait_for(lock, stop, again_after, [this] { return asked_; });
    }
}

bool PurgeSweep::erase_keys(std::vector<std::string>& keys) {
    if (keys.empty()) return true;
    const auto erased = run_on(executor_, erase_all(store_, keys));
    keys.erase(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(erased));
    return keys.empty();
}

bool PurgeSweep::search(const Purges& purges) {
    const auto erased = run_on(executor_, search_for(store_, purges));
    if (!erased) return false;
    log::info("purged_copies_dropped", {{"level", "l2"}, {"copies", *erased}});
    return true;
}

}  // namespace sluice::app

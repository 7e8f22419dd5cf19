#include "upstream/loop_pool.hpp"

#include "runtime/timer_sweep.hpp"

#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <utility>

namespace sluice::upstream {

/// One that waits. It is in the queue as long as it lives and was not woken.
struct LoopPool::Waiter {
    Waiter(std::shared_ptr<LoopPool> of, std::size_t for_endpoint)
        : pool{std::move(of)}, endpoint{for_endpoint}, timer{pool->executor_} {
        pool->places_[endpoint].waiting.push_back(this);
    }
    ~Waiter() {
        auto& place = pool->places_[endpoint];
        if (!woken)
            std::erase(place.waiting, this);
        else if (!has_looked)
            pool->wake_one(place);  // cancelled: the turn is another's
    }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    const std::shared_ptr<LoopPool> pool;
    const std::size_t endpoint;
    runtime::Timer timer;
    bool woken = false;
    bool has_looked = false;
};

LoopPool::Lease::Lease(std::shared_ptr<LoopPool> pool, std::size_t endpoint, std::unique_ptr<Line> line)
    : pool_{std::move(pool)}, endpoint_{endpoint}, line_{std::move(line)} {}

LoopPool::Lease& LoopPool::Lease::operator=(Lease&& other) noexcept {
    if (this == &other) return *this;
    drop();
    pool_ = std::move(other.pool_);
    endpoint_ = other.endpoint_;
    line_ = std::move(other.line_);
    generation_ = other.generation_;
    return *this;
}

void LoopPool::Lease::drop() noexcept {
    if (!pool_) return;
    line_.reset();
    std::exchange(pool_, nullptr)->give_place_back(endpoint_);
}

void LoopPool::Lease::give_back(TimePoint now, Duration patience) {
    const auto kept = std::min(patience, pool_->settings_.idle);
    if (pool_->stopped_ || kept <= Duration::zero()) return drop();
    const auto pool = std::exchange(pool_, nullptr);
    pool->rest(endpoint_, {std::move(line_), generation_}, now + kept);
}

LoopPool::LoopPool(Executor executor, Settings settings, const std::vector<AddressBook*>& endpoints)
    : executor_{executor}, settings_{settings}, dues_{std::make_shared<DueList>(executor)}, places_(endpoints.size()) {
    for (std::size_t i = 0; i < endpoints.size(); ++i) places_[i].addresses = endpoints[i];
}

LoopPool::~LoopPool() = default;

awaitable<LoopPool::Lease> LoopPool::acquire(std::size_t endpoint, Deadline deadline, bool fresh, bool& overloaded) {
    if (fresh) close_idle(endpoint);
    auto& place = places_[endpoint];
    // Who comes while others wait waits behind them.
    bool may_take = place.waiting.empty();
    for (;;) {
        if (stopped_) co_return Lease{};
        if (may_take) {
            if (auto lease = take_idle(place, endpoint)) co_return lease;
            if (place.taken < settings_.connections) co_return make_lease(endpoint);
        }
        overloaded = place.waiting.size() >= settings_.most_waiting;
        if (overloaded) co_return Lease{};
        Waiter waiter{shared_from_this(), endpoint};
        waiter.timer.expires_at(deadline.time());
        boost::system::error_code ignored;
        co_await waiter.timer.async_wait(boost::asio::redirect_error(use_awaitable, ignored));
        overloaded = !waiter.woken;
        if (overloaded) co_return Lease{};
        waiter.has_looked = true;
        may_take = true;
    }
}

LoopPool::Lease LoopPool::make_lease(std::size_t endpoint) {
    auto& place = places_[endpoint];
    ++place.taken;
    open_.fetch_add(1, std::memory_order_relaxed);
    Lease lease{shared_from_this(), endpoint, std::make_unique<Line>(executor_, dues_)};
    lease.generation_ = place.addresses->generation();
    return lease;
}

LoopPool::Lease LoopPool::take_idle(Place& place, std::size_t endpoint) {
    while (!place.idle.empty()) {
        auto resting = std::move(place.idle.back());
        place.idle.pop_back();
        idle_.fetch_sub(1, std::memory_order_relaxed);
        resting.line->wake();
        Lease lease{shared_from_this(), endpoint, std::move(resting.line)};
        lease.generation_ = resting.generation;
        const bool usable =
            lease.line().is_idle_and_open() && place.addresses->has(lease.line().address(), lease.generation_);
        if (usable) return lease;
    }
    return {};
}

void LoopPool::give_place_back(std::size_t endpoint) noexcept {
    auto& place = places_[endpoint];
    --place.taken;
    open_.fetch_sub(1, std::memory_order_relaxed);
    wake_one(place);
}

void LoopPool::rest(std::size_t endpoint, Resting resting, TimePoint until) {
    auto& place = places_[endpoint];
    auto& line = *resting.line;
    line.rest(until, [self = weak_from_this(), endpoint, &line] {
        if (const auto pool = self.lock()) pool->forget(endpoint, line);
    });
    place.idle.push_back(std::move(resting));
    idle_.fetch_add(1, std::memory_order_relaxed);
    wake_one(place);
}

void LoopPool::forget(std::size_t endpoint, const Line& line) {
    auto& place = places_[endpoint];
    const auto found =
        std::find_if(place.idle.begin(), place.idle.end(), [&](const Resting& one) { return one.line.get() == &line; });
    if (found == place.idle.end()) return;
    place.idle.erase(found);
    idle_.fetch_sub(1, std::memory_order_relaxed);
    give_place_back(endpoint);
}

void LoopPool::close_idle(std::size_t endpoint) noexcept {
    const auto idle = std::exchange(places_[endpoint].idle, {});
    idle_.fetch_sub(idle.size(), std::memory_order_relaxed);
    for (std::size_t i = 0; i < idle.size(); ++i) give_place_back(endpoint);
}

void LoopPool::wake_one(Place& place) noexcept {
    if (place.waiting.empty()) return;
    auto& waiter = *place.waiting.front();
    place.waiting.pop_front();
    waiter.woken = true;
    waiter.timer.cancel();
}

void LoopPool::stop() {
    stopped_ = true;
    for (std::size_t i = 0; i < places_.size(); ++i) {
        close_idle(i);
        auto& place = places_[i];
        while (!place.waiting.empty()) wake_one(place);
    }
    dues_->stop();
}

}  // namespace sluice::upstream

// The connections that one loop has to one service: idle ones, the newest used first, and those who wait for one. Nothing
// here locks, since all of it stays on its loop.
#pragma once

#include "sluice/deadline.hpp"
#include "sluice/executor.hpp"
#include "upstream/address_book.hpp"
#include "upstream/line.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

namespace sluice::upstream {

/// Made with std::make_shared. All but `idle` and `open` on its loop only.
class LoopPool : public std::enable_shared_from_this<LoopPool> {
public:
    struct Settings {
        unsigned connections = 32;        ///< to each endpoint, at least 1
        std::size_t most_waiting = 1024;  ///< for a connection to one endpoint
        Duration idle = std::chrono::seconds{30};
    };

    /// A place among the connections to one endpoint, and the connection, if there is one yet. Dropped, it is closed.
    class Lease {
    public:
        Lease() = default;
        Lease(Lease&&) noexcept = default;
        Lease& operator=(Lease&& other) noexcept;
        ~Lease() { drop(); }

        explicit operator bool() const noexcept { return pool_ != nullptr; }
        /// It was used before and is open: nothing but a request is needed. Else it must be connected.
        bool is_reused() const noexcept { return line_ && line_->uses > 0; }
        Line& line() noexcept { return *line_; }

        /// The answer has ended well: whoever comes next may use it. `patience`: how long the service keeps it.
        void give_back(TimePoint now, Duration patience);

    private:
        friend class LoopPool;
        Lease(std::shared_ptr<LoopPool> pool, std::size_t endpoint, std::unique_ptr<Line> line);
        void drop() noexcept;

        std::shared_ptr<LoopPool> pool_;
        std::size_t endpoint_ = 0;
        std::unique_ptr<Line> line_;
        std::uint64_t generation_ = 0;  // of the addresses, when it was connected
    };

    LoopPool(Executor executor, Settings settings, const std::vector<AddressBook*>& endpoints);
    ~LoopPool();

    /// Nothing if too many wait already, none is free before the deadline (`overloaded`), or it is stopped. `fresh`: not one
    /// of those that are idle, which are closed: one of them has just turned out to be.
    awaitable<Lease> acquire(std::size_t endpoint, Deadline deadline, bool fresh, bool& overloaded);
    /// Idle connections are closed, nobody gets another one. For good.
    void stop();

    // From any thread.
    std::size_t idle() const noexcept { return idle_.load(std::memory_order_relaxed); }
    std::size_t open() const noexcept { return open_.load(std::memory_order_relaxed); }

private:
    struct Resting {
        std::unique_ptr<Line> line;
        std::uint64_t generation;
    };
    struct Waiter;
    struct Place {
        const AddressBook* addresses = nullptr;
        std::vector<Resting> idle;  // the newest last
        unsigned taken = 0;         // leases and idle connections
        std::deque<Waiter*> waiting;
    };

    Lease make_lease(std::size_t endpoint);
    Lease take_idle(Place& place, std::size_t endpoint);
    void give_place_back(std::size_t endpoint) noexcept;
    void rest(std::size_t endpoint, Resting resting, TimePoint until);
    void forget(std::size_t endpoint, const Line& line);
    void close_idle(std::size_t endpoint) noexcept;
    void wake_one(Place& place) noexcept;

    const Executor executor_;
    const Settings settings_;
    const std::shared_ptr<DueList> dues_;
    std::vector<Place> places_;
    bool stopped_ = false;
    std::atomic<std::size_t> idle_{0};
    std::atomic<std::size_t> open_{0};
};

}  // namespace sluice::upstream

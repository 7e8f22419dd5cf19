// Which of those that wait for one of a pool's connections goes next, and who had better not wait. Pure: takes the time as
// an argument. Hides the queues, what each kind of call takes, and what is stuck.
#pragma once

#include "sluice/deadline.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace sluice::policy {

/// A queue that knows deadlines. Not for several threads at once.
///
/// A call that cannot be answered by its deadline is refused at once, judged by what waits before it and by how long calls
/// of each kind take: a server that is asked for more than it can do then goes on doing what it can, in place of work that
/// nobody waits for any more (M. Nygard, "Release It!", 2nd edition, "Shed Load" and "Fail Fast").
///
/// Calls of one kind, or that use one resource such as a table, may not take all connections while calls that have nothing
/// to do with it come as well (a bulkhead): a part is kept for those. With nobody else around they have them all.
class Admission {
public:
    using Ticket = std::uint64_t;

    struct Settings {
        std::size_t connections = 1;
        std::size_t most_waiting = 1024;
        Duration others_count_for = std::chrono::seconds{2};  ///< how long a call keeps a part for those like it
    };
    enum class Refusal {
        full,      // too many wait already
        too_late,  // it would not be answered by its deadline
    };

    explicit Admission(Settings settings) : settings_{settings}, connections_{settings.connections} {}

    /// How many connections there are now; at least one is assumed.
    void set_connections(std::size_t connections) noexcept { connections_ = connections > 0 ? connections : 1; }
    /// The resources are taken for granted from the kind's first call on.
    void know(std::uint64_t kind, std::span<const std::string> resources);

    /// Forgets all kinds but these, which are sorted, and those of calls that wait or run.
    void keep(std::span<const std::uint64_t> kinds);

    /// One more waits, as `ticket`, which is new. `next` tells when it may run.
    std::optional<Refusal> arrive(Ticket ticket, std::uint64_t kind, TimePoint deadline, TimePoint now);
    /// Those that wait in vain, since their time would not suffice. They are forgotten. One that need not have waited is
    /// none of them: else a kind that once took too long would never be tried again.
    std::vector<Ticket> take_late(TimePoint now);
    /// Runs from now on: the one that waits the longest of those that may. Nothing: none may.
    std::optional<Ticket> next(TimePoint now);
    /// It has not run after all, and waits in its old place.
    void put_back(Ticket ticket);
    /// It ran. `tells`: how long it took says how long calls of its kind take.
    void finished(Ticket ticket, TimePoint now, bool tells = true);
    /// Nobody waits for its answer any more.
    /// False: it does not wait.
    bool forget(Ticket ticket);

    std::size_t waiting() const noexcept { return waiting_; }
    std::size_t running() const noexcept { return running_.size(); }
    /// Of how many kinds and resources it knows.
    std::size_t kinds() const noexcept { return kinds_.size(); }
    std::size_t resources() const noexcept { return resources_.size(); }

private:
    struct Waiting {
        Ticket ticket;
        TimePoint deadline;
        bool had_to_wait;
    };
    struct Kind {
        std::vector<std::size_t> resources;  // its own, and those that it shares
        std::deque<Waiting> queue;
        Duration takes{0};  // on the mean; zero: not known
        TimePoint last_asked{};
        bool asked = false;
    };
    struct Run {
        std::uint64_t kind;
        TimePoint deadline;
        TimePoint since;
    };
    std::size_t most_at_once(const Kind& kind, TimePoint now) const;
    bool has_its_part(const Kind& kind, TimePoint now) const;
    bool may_run(const Kind& kind, TimePoint now) const;
    Duration expected_wait(const Kind& kind, std::size_t before, TimePoint now) const;
    Duration wait_for_others(const Kind& kind, TimePoint now) const;
    Duration wait_for_own(const Kind& kind, std::size_t before, TimePoint now) const;
    bool too_late(const Kind& kind, std::size_t before, TimePoint deadline, TimePoint now) const;

    const Settings settings_;
    std::size_t connections_;
    std::size_t waiting_ = 0;
    std::map<std::uint64_t, Kind> kinds_;
    std::unordered_map<std::string, std::size_t> resources_;  // by name
    std::size_t last_resource_ = 0;
    std::unordered_map<Ticket, Run> running_;
};

}  // namespace sluice::policy

// The calls that wait for one of a lane's connections. Hides the lock, and whoever is told that it waits in vain.
#pragma once

#include "policy/admission.hpp"
#include "postgres/workers/call.hpp"
#include "telemetry/metrics.hpp"

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace sluice::postgres {

/// Any thread.
class CallQueue {
public:
    /// `pool`: for metrics.
    CallQueue(const std::string& pool, std::size_t connections, telemetry::Metrics& metrics);

    /// False: it could not be answered in time, or too many wait.
    bool add(std::shared_ptr<Call> call);

    /// A call to run, or, with none, the word to make a connection that is missing.
    struct Task {
        policy::Admission::Ticket ticket = 0;
        std::shared_ptr<Call> call;
    };
    /// Waits for the next. Nothing: it is over.
    std::optional<Task> take(const std::stop_token& stop);
    /// It ran. `tells`: how long it took says how long such calls take.
    void done(const Task& task, bool tells);
    /// It could not run, and waits in its old place; none is given out before `again_at`.
    void put_back(const Task& task, TimePoint again_at);
    /// Nobody waits for it any more: it need not run.
    void forget(const Call& call);

    /// Forgets what is known of statements with other numbers than these, sorted ones.
    void keep(std::span<const std::uint64_t> statements);

    /// How many may run at once.
    void set_connections(std::size_t connections);
    /// So many workers without a call are to make a connection.
    void want_connections(std::size_t missing);
    /// Drops what waits, which is answered as `unavailable`, and takes no more.
    void close();

    /// Calls waiting or running.
    std::size_t outstanding() const;

private:
    struct Waiting {
        std::shared_ptr<Call> call;
        TimePoint since;
    };
    using Calls = std::vector<std::shared_ptr<Call>>;
    std::optional<Task> take_locked(TimePoint now, Calls& late);
    void changed();

    const telemetry::Gauge length_;
    const telemetry::Histogram waits_;
    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable_any wake_;
    policy::Admission admission_;
    std::map<policy::Admission::Ticket, Waiting> calls_;
    policy::Admission::Ticket last_ = 0;
    std::size_t missing_ = 0;
    std::uint64_t changes_ = 0;
    TimePoint not_before_{};
    bool closed_ = false;
};

}  // namespace sluice::postgres

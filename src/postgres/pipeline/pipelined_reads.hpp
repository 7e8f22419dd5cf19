// The pipelined connections that one event loop has to one server, and the reads that wait for them.
// Hides which connection a read takes, and what is done when one is slow or lost.
#pragma once

#include "postgres/pipeline/pipelined_connection.hpp"
#include "runtime/pulse.hpp"
#include "runtime/timer_sweep.hpp"
#include "telemetry/metrics.hpp"

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::postgres {

/// Made with std::make_shared. All but `missing`, `take_missing` and `give_back` on its loop only.
///
/// What is asked in one turn of the loop leaves in one batch, and a connection has one batch at a time: what is asked while
/// all are busy makes the next one. A read that is held up by another's bad luck is given to a worker as well.
class PipelinedReads final : public std::enable_shared_from_this<PipelinedReads>, private PipelinedConnection::Owner {
public:
    struct Settings {
        std::string server;  ///< for metrics
        unsigned connections = 1;
        Duration timeout = std::chrono::seconds{5};  ///< the server ends a statement after that
    };
    struct Events {
        std::function<void()> missing;  ///< a connection was lost that had been good for a while: make another
        /// Asks the server to end what runs on that backend, and then calls `done` on the loop.
        std::function<void(int backend, std::function<void()> done)> cancel;
        std::function<bool()> workers_have_room;
        std::function<bool()> stopping;
        std::function<void()> gone;  ///< a connection went
    };

    PipelinedReads(Executor executor, Settings settings, telemetry::Metrics& metrics, Events events);
    ~PipelinedReads() override;

    /// Whether a connection is there at all.
    bool up() const noexcept { return !lines_.empty(); }
    /// Ends at the read's deadline at the latest, or when the caller is cancelled.
    awaitable<PipelinedRead::Turn> read(ReadPointer read);

    /// A session that was just made.
    void adopt(std::unique_ptr<Session> session);
    /// Lets go of one connection, which counts as gone already.
    void give_one_up();
    /// What waits is told that it is unavailable before this returns. For good.
    void stop();

    // From any thread.
    const Executor& executor() const noexcept { return executor_; }
    /// One connection more is to be made by the caller, who adopts it or gives the task back. False: none is missing.
    bool take_missing() noexcept;
    void give_back() noexcept { missing_.fetch_add(1, std::memory_order_relaxed); }

private:
    using Turn = PipelinedRead::Turn;
    struct Line {
        std::shared_ptr<PipelinedConnection> connection;
        bool busy = false;        // as the metric knows it
        bool slow = false;        // what is under way takes too long
        bool cancelling = false;  // it must not get anything else meanwhile
        bool leaving = false;     // no more reads: it is made anew when it is idle
        bool given_up = false;    // it is gone, for whoever counts them
        TimePoint cancel_again{};
    };

    void answered(PipelinedRead& read, QueryResult result, PipelinedConnection::Took took) override;
    void failed(PipelinedRead& read, const SqlError& error, PipelinedConnection::Took took) override;
    void outgrown(PipelinedRead& read, PipelinedConnection::Took took) override;
    void collapsed(std::size_t reads, bool failed) override;
    void progressed(PipelinedConnection& connection) override;
    void lost(PipelinedConnection& connection, const std::string& reason, const PipelinedConnection::Batch& reads) override;

    void tell(PipelinedRead& read, Reply reply);
    void tell_waiting(Turn turn);
    void turn_to_worker(PipelinedRead& read);
    void resume();
    void abandon(PipelinedRead& read);
    void dispatch_later();
    void dispatch();
    Line* free_line(TimePoint now);
    PipelinedConnection::Batch next_batch();
    Line& line_of(const PipelinedConnection& connection);
    void show(Line& line, bool busy);
    void remove(const PipelinedConnection& connection);
    void look_again_for_labels(TimePoint now);
    void let_go();
    void look();
    bool stuck() const noexcept;
    void watch();
    void on_tick();
    void look_after(Line& line, TimePoint now);
    void cancel(Line& line, TimePoint now);
    static void expire(PipelinedRead& read, TimePoint now, PipelinedReads& self);

    const Executor executor_;
    const Settings settings_;
    const Events events_;
    telemetry::Gauge down_, idle_, busy_;
    telemetry::Histogram seconds_;
    telemetry::Counter collapsed_, repeated_;
    std::atomic<unsigned> missing_;
    std::vector<Line> lines_;
    std::deque<ReadPointer> waiting_;
    std::vector<std::pair<PipelinedRead::Waiter, Turn>> told_;  // to be resumed
    std::shared_ptr<const runtime::Pulse::Look> look_;          // while there are connections
    TimePoint looked_for_labels_{};
    runtime::Timer timer_;
    bool watching_ = false;
    bool dispatch_posted_ = false;
    bool stopped_ = false;
};

}  // namespace sluice::postgres

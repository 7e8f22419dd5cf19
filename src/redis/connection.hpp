// One pipelined connection to Redis for one event loop, shared by everything on that loop.
// Hides the protocol, reconnecting, and which reply belongs to whom.
#pragma once

#include "redis/link.hpp"
#include "redis/pending_queue.hpp"
#include "redis/reconnect.hpp"
#include "redis/reply.hpp"
#include "redis/url.hpp"
#include "runtime/pulse.hpp"
#include "runtime/timer_sweep.hpp"
#include "sluice/deadline.hpp"
#include "sluice/executor.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::redis {

/// Made with std::make_shared: what it has under way keeps it alive. All but `up` on its loop only.
///
/// Commands queued in one turn of the loop leave in one write. One timer enforces every deadline: a late command's waiter
/// resumes at once, and its reply is dropped, in order, when it comes. A server that owes a reply for too long is taken for
/// dead. A lost connection fails what waits at once and is opened again in the background; until then commands are refused
/// at once.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    struct Settings {
        Address address;
        Duration timeout{};                          ///< the longest a command may take
        Duration overdue = std::chrono::seconds{2};  ///< a reply later than this beyond `timeout` means a dead server
        std::size_t max_pending = 16'384;            ///< replies owed; more commands are refused
        std::size_t max_output = std::size_t{16} * 1024 * 1024;  ///< bytes not written yet; more are refused
        std::string trial{};  ///< a command as Redis reads it, sent with every login; a server that refuses it is of no use
    };

    /// Told on the loop whenever the connection came up, was lost, or could not be opened (then why). Up and a problem: the
    /// trial was refused as any write would be, and reads are served. Not after `stop`.
    using Listener = std::function<void(bool up, std::string_view problem)>;

    Connection(Executor executor, Settings settings, Listener listener);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Starts to connect and returns.
    void start();
    /// Closes; what waits resumes as unavailable before this returns. For good.
    void stop();

    /// Gives up a connection that was opened before `since`, for that reason, and opens another.
    void drop(std::string_view problem, TimePoint since);

    /// Whether commands would be sent now. From any thread.
    bool up() const noexcept { return up_.load(std::memory_order_relaxed); }

    /// Sends one command. The reply comes at the earlier of `deadline` and `timeout` from now, at the latest.
    awaitable<Reply> command(Command command, Deadline deadline);

    /// Sends several at once. If ok, the value is the array of their replies, errors among them; of a
    /// single command it is the reply itself.
    awaitable<Reply> pipeline(std::span<const Command> commands, Deadline deadline);

private:
    using Waiter = boost::asio::async_result<boost::asio::use_awaitable_t<Executor>, void(Reply)>::handler_type;
    using Queue = PendingQueue<Waiter>;

    awaitable<void> run(std::shared_ptr<Connection> self);
    awaitable<std::string> read_until_lost();
    std::string take(std::vector<Value> replies);
    void look();
    void flush_later();
    void flush();
    void lose(std::string_view problem);
    void wake_at(TimePoint moment);
    void on_timer();
    static void complete(std::vector<Queue::Ended> ended);

    const Executor executor_;
    const Settings settings_;
    const Listener listener_;
    std::atomic<bool> up_{false};
    bool stopped_ = false;
    Link link_;
    Queue pending_;
    std::string output_;   // commands not written yet
    std::string writing_;  // what the write under way reads
    TimePoint opened_{};
    std::uint64_t session_ = 0;  // counts losses: a write of an earlier session says nothing about this one
    bool flush_posted_ = false;
    bool write_under_way_ = false;
    std::string problem_;   // why it was lost
    runtime::Timer timer_;  // the one that enforces deadlines
    TimePoint wakes_at_ = TimePoint::max();
    std::shared_ptr<const runtime::Pulse::Look> look_;
    Reconnect reconnect_;
    runtime::Timer retry_;  // between attempts to connect
};

}  // namespace sluice::redis

// One client's socket, with its input buffer and a time limit on everything that waits. Hides the socket; knows no HTTP.
#pragma once

#include "http/input_buffer.hpp"
#include "policy/minimum_rate.hpp"
#include "runtime/timer_sweep.hpp"
#include "sluice/deadline.hpp"
#include "sluice/executor.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::http {

using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;

/// How a read or a write ended.
enum class IoOutcome {
    done,    // some bytes came; all were written
    closed,  // the peer has gone, or we closed the connection
    late,    // the time limit passed first
    full,    // the input buffer has no space left for what the peer sends
};

class Connection {
public:
    /// Why what is watched should end.
    enum class Cause {
        late,      // it has taken too long
        finished,  // the peer sends no more: it has closed its side, or the whole connection, which TCP does not tell apart
        gone,      // the peer has closed the connection: it refuses what was sent to it
    };
    /// What is worth a connection's memory.
    struct Bounds {
        std::size_t input = 0;     ///< bytes of the buffer
        std::size_t min_rate = 0;  ///< bytes a second that a peer has to take; 0: any
    };
    Connection(Socket socket, runtime::TimerSweep& sweep, Bounds bounds, std::function<void(Cause)> on_end);

    /// The peer's address in canonical text (RFC 5952; IPv4-mapped IPv6 as IPv4), without zone and port.
    const std::string& remote_address() const noexcept { return remote_address_; }
    InputBuffer& input() noexcept { return input_; }

    /// Appends what the peer sends to the input.
    awaitable<IoOutcome> read_more(TimePoint due);
    /// The same in two halves, for whoever is a coroutine already and has nobody who cancels it: `error` must outlive the
    /// first one, and the second one judges what it brought.
    awaitable<std::size_t> start_read(TimePoint due, boost::system::error_code& error);
    IoOutcome finish_read(const boost::system::error_code& error, std::size_t size) noexcept;
    /// Sends both in one go; late when the peer takes nothing for `patience`, or less than the minimum rate for longer.
    /// Counted is what the peer's side has acknowledged: what the kernel here has taken in says nothing about the peer.
    awaitable<IoOutcome> write(std::string_view first, std::string_view second, Duration patience);
    /// As much as the kernel takes at once; returns how much that was.
    std::size_t write_now(std::string_view bytes) noexcept;
    /// Ends our side.
    void finish_sending() noexcept;
    /// Drops what has come, and waits for more of it. Nothing: the peer has ended its side, or it is too late.
    awaitable<std::optional<std::size_t>> discard(TimePoint due);
    /// What is being read or written has less time than it was given.
    void hurry(TimePoint due) noexcept;

    /// Watches over something that is not a read or a write, such as a handler; suspended while it reads or writes. What is
    /// over soon costs no look at the socket. `finished` is told once and ends nothing by itself.
    void watch(TimePoint due) noexcept;
    void unwatch() noexcept;

    /// Whether bytes have arrived that were not read yet.
    bool has_arrivals() const noexcept;
    /// Ends a pending read or write as closed.
    void interrupt() noexcept;
    void close() noexcept;

private:
    void look_at_peer();
    std::uint64_t acknowledged() noexcept;
    void note_taken() noexcept;
    void begin_transfer(TimePoint due) noexcept;
    void end_transfer() noexcept;
    void ring();

    Socket socket_;
    runtime::TimerSweep& sweep_;
    std::function<void(Cause)> on_end_;
    std::string remote_address_;
    InputBuffer input_;
    const std::size_t min_rate_;
    std::uint64_t sent_ = 0;                   // bytes that the kernel has taken
    std::uint64_t taken_ = 0;                  // bytes that the peer was last known to have acknowledged
    std::optional<policy::MinimumRate> pace_;  // of the write that is pending
    TimePoint watched_until_ = TimePoint::max();
    TimePoint transfer_due_{};
    bool told_finished_ = false;
    bool transferring_ = false;  // a read or a write is pending
    bool late_ = false;
    runtime::TimerSweep::Alarm alarm_;  // last: refers to the members above
};

}  // namespace sluice::http

// One client's socket, with its input buffer and a time limit on everything that waits. Hides the socket; knows no HTTP.
#pragma once

#include "http/input_buffer.hpp"
#include "runtime/timer_sweep.hpp"
#include "sluice/deadline.hpp"
#include "sluice/executor.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <functional>
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
        late,  // it has taken too long
        gone,  // the peer has closed the connection, or its side of it
    };
    Connection(Socket socket, runtime::TimerSweep& sweep, std::size_t max_input, std::function<void(Cause)> on_end);

    /// The peer's address in canonical text (RFC 5952; IPv4-mapped IPv6 as IPv4), without zone and port.
    const std::string& remote_address() const noexcept { return remote_address_; }
    InputBuffer& input() noexcept { return input_; }

    /// Appends what the peer sends to the input.
    awaitable<IoOutcome> read_more(TimePoint due);
    /// Sends both in one go; late when the peer takes nothing for `patience`.
    awaitable<IoOutcome> write(std::string_view first, std::string_view second, Duration patience);
    /// Ends our side, then reads on for a moment: closing over unread bytes makes TCP reset the connection, and the peer
    /// could lose the answer that it has not read yet.
    awaitable<void> linger();

    /// Watches over something that is not a read or a write, such as a handler; suspended while it reads or writes. What is
    /// over soon costs no look at the socket.
    void watch(TimePoint due) noexcept;
    void unwatch() noexcept;

    /// Whether bytes have arrived that were not read yet.
    bool has_arrivals() const noexcept;
    /// Ends a pending read or write as closed.
    void interrupt() noexcept;
    void close() noexcept;

private:
    bool peer_has_closed() noexcept;
    void begin_transfer(TimePoint due) noexcept;
    void end_transfer() noexcept;
    void ring();

    Socket socket_;
    runtime::TimerSweep& sweep_;
    std::function<void(Cause)> on_end_;
    std::string remote_address_;
    InputBuffer input_;
    TimePoint watched_until_ = TimePoint::max();
    bool transferring_ = false;  // a read or a write is pending
    bool late_ = false;
    runtime::TimerSweep::Alarm alarm_;  // last: refers to the members above
};

}  // namespace sluice::http

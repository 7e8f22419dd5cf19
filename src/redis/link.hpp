// The bare connection: a socket to Redis that has logged in, and the replies that come out of it.
// Hides resolving, connecting, AUTH and SELECT.
#pragma once

#include "redis/protocol.hpp"
#include "redis/reply.hpp"
#include "redis/url.hpp"
#include "runtime/timer_sweep.hpp"
#include "sluice/executor.hpp"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::redis {

/// Whoever awaits one of its functions keeps it alive meanwhile. Where a function returns a text it says what went wrong,
/// and is empty if nothing did.
class Link {
public:
    using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;

    Link(Executor executor, Address address);

    /// Connects and logs in; gives up after `patience`, except that a name server may take longer to answer. `trial`: a
    /// command as Redis reads it, sent with the login; its one reply is then `trial_reply`.
    awaitable<std::string> open(Duration patience, std::string trial = {});
    const Value& trial_reply() const noexcept { return trial_reply_; }
    /// Waits for bytes and appends every reply they complete, possibly none.
    awaitable<std::string> read(std::vector<Value>& replies);
    /// Appends what is there already, without waiting; may be called while a `read` waits.
    std::string read_at_once(std::vector<Value>& replies) { return receive(replies); }
    /// Ends what is under way on it with an error. It may be opened again.
    void close() noexcept;

    Socket& socket() noexcept { return *socket_; }
    const Address& address() const noexcept { return address_; }

private:
    awaitable<std::string> connect();
    awaitable<std::string> log_in(std::string trial);
    std::string receive(std::vector<Value>& replies);
    std::string take(std::string_view bytes, std::vector<Value>& replies);

    const Executor executor_;
    const Address address_;
    std::optional<Socket> socket_;
    std::optional<ReplyReader> reader_;
    std::array<char, 16 * 1024> input_;
    Value trial_reply_;
    runtime::Timer patience_;
    bool closed_ = false;  // since the last open()
};

}  // namespace sluice::redis

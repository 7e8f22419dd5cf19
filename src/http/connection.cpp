#include "http/connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>

#include <poll.h>

#include <algorithm>
#include <array>

namespace sluice::http {
namespace {

using boost::system::error_code;

constexpr std::chrono::seconds linger_time{1};
constexpr std::chrono::milliseconds look_every{200};
constexpr std::size_t linger_bytes = 1024 * 1024;

std::string address_of(const Socket& socket) {
    error_code error;
    const auto peer = socket.remote_endpoint(error);
    if (error) return {};
    auto address = peer.address();
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        address = boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6());
    } else if (address.is_v6()) {
        auto without_zone = address.to_v6();
        without_zone.scope_id(0);
        address = without_zone;
    }
    return address.to_string();
}

}  // namespace

Connection::Connection(Socket socket, runtime::TimerSweep& sweep, std::size_t max_input, std::function<void(Cause)> on_end)
    : socket_{std::move(socket)},
      sweep_{sweep},
      on_end_{std::move(on_end)},
      remote_address_{address_of(socket_)},
      input_{max_input},
      alarm_{[this] { ring(); }} {
    error_code ignored;
    socket_.set_option(boost::asio::ip::tcp::no_delay{true}, ignored);
}

awaitable<IoOutcome> Connection::read_more(TimePoint due) {
    const auto space = input_.space();
    if (space.empty()) co_return IoOutcome::full;
    begin_transfer(due);
    error_code error;
    const auto target = boost::asio::buffer(space.data(), space.size());
    const auto size = co_await socket_.async_read_some(target, boost::asio::redirect_error(use_awaitable, error));
    end_transfer();
    if (error) co_return late_ ? IoOutcome::late : IoOutcome::closed;
    input_.commit(size);
    co_return IoOutcome::done;
}

awaitable<IoOutcome> Connection::write(std::string_view first, std::string_view second, Duration patience) {
    while (!first.empty() || !second.empty()) {
        begin_transfer(Clock::now() + patience);
        error_code error;
        std::size_t size = 0;
        if (second.empty()) {  // the usual case, and a cheaper system call
            const auto source = boost::asio::buffer(first);
            size = co_await socket_.async_write_some(source, boost::asio::redirect_error(use_awaitable, error));
        } else {
            const std::array source{boost::asio::buffer(first), boost::asio::buffer(second)};
            size = co_await socket_.async_write_some(source, boost::asio::redirect_error(use_awaitable, error));
        }
        end_transfer();
        if (error) co_return late_ ? IoOutcome::late : IoOutcome::closed;
        const auto of_first = std::min(size, first.size());
        first.remove_prefix(of_first);
        second.remove_prefix(size - of_first);
    }
    co_return IoOutcome::done;
}

awaitable<void> Connection::linger() {
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    input_.unpin();
    const auto due = Clock::now() + linger_time;
    for (std::size_t discarded = 0; discarded < linger_bytes;) {
        discarded += input_.unread().size();
        input_.consume(input_.unread().size());
        const auto outcome = co_await read_more(due);
        if (outcome != IoOutcome::done) break;
    }
}

void Connection::watch(TimePoint due) noexcept {
    watched_until_ = due;
    sweep_.arm(alarm_, std::min(due, Clock::now() + look_every));
}

void Connection::unwatch() noexcept {
    watched_until_ = TimePoint::max();
    alarm_.disarm();
}

void Connection::begin_transfer(TimePoint due) noexcept {
    late_ = false;
    transferring_ = true;
    sweep_.arm(alarm_, due);
}

void Connection::end_transfer() noexcept {
    transferring_ = false;
    if (watched_until_ == TimePoint::max()) return alarm_.disarm();
    watch(watched_until_);
}

bool Connection::has_arrivals() const noexcept {
    error_code error;
    return socket_.available(error) > 0 && !error;
}

void Connection::interrupt() noexcept {
    error_code ignored;
    socket_.cancel(ignored);
}

void Connection::close() noexcept {
    error_code ignored;
    socket_.close(ignored);
}

void Connection::ring() {
    if (transferring_) {
        late_ = true;
        return interrupt();
    }
    if (Clock::now() >= watched_until_) return on_end_(Cause::late);
    if (peer_has_closed()) return on_end_(Cause::gone);
    watch(watched_until_);
}

// Also with pipelined requests in the buffer, in front of the end of the stream.
bool Connection::peer_has_closed() noexcept {
    ::pollfd polled{socket_.native_handle(), POLLRDHUP, 0};
    return ::poll(&polled, 1, 0) > 0 && (polled.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

}  // namespace sluice::http

#include "http/connection.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::http {
namespace {

using boost::system::error_code;

constexpr std::chrono::milliseconds look_every{200};

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

Connection::Connection(Socket socket, runtime::TimerSweep& sweep, Bounds bounds, std::function<void(Cause)> on_end)
    : socket_{std::move(socket)},
      sweep_{sweep},
      on_end_{std::move(on_end)},
      remote_address_{address_of(socket_)},
      input_{bounds.input},
      min_rate_{bounds.min_rate},
      alarm_{[this] { ring(); }} {
    error_code ignored;
    socket_.set_option(boost::asio::ip::tcp::no_delay{true}, ignored);
}

awaitable<IoOutcome> Connection::read_more(TimePoint due) {
    const auto space = input_.space();
    begin_transfer(due);
    error_code error;
    const auto target = boost::asio::buffer(space.data(), space.size());
    const auto size = co_await socket_.async_read_some(target, boost::asio::redirect_error(use_awaitable, error));
    co_return finish_read(error, size);
}

awaitable<std::size_t> Connection::start_read(TimePoint due, error_code& error) {
    const auto space = input_.space();
    begin_transfer(due);
    const auto uncancelled = boost::asio::bind_cancellation_slot(boost::asio::cancellation_slot{}, use_awaitable);
    return socket_.async_read_some(boost::asio::buffer(space.data(), space.size()),
                                   boost::asio::redirect_error(uncancelled, error));
}

IoOutcome Connection::finish_read(const error_code& error, std::size_t size) noexcept {
    end_transfer();
    if (error) return late_ ? IoOutcome::late : IoOutcome::closed;
    if (size == 0) return IoOutcome::full;  // there was no space; the stream's end is an error
    input_.commit(size);
    return IoOutcome::done;
}

awaitable<IoOutcome> Connection::write(std::string_view first, std::string_view second, Duration patience) {
    pace_.emplace(min_rate_, patience, Clock::now());
    auto outcome = IoOutcome::done;
    while (!first.empty() || !second.empty()) {
        begin_transfer(pace_->due());
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
        if (error) {
            outcome = late_ ? IoOutcome::late : IoOutcome::closed;
            break;
        }
        sent_ += size;
        const auto of_first = std::min(size, first.size());
        first.remove_prefix(of_first);
        second.remove_prefix(size - of_first);
        if (!first.empty() || !second.empty()) note_taken();
    }
    pace_.reset();
    co_return outcome;
}

std::size_t Connection::write_now(std::string_view bytes) noexcept {
    const auto size = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size <= 0) return 0;
    sent_ += static_cast<std::uint64_t>(size);
    return static_cast<std::size_t>(size);
}

void Connection::finish_sending() noexcept {
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
}

awaitable<std::optional<std::size_t>> Connection::discard(TimePoint due) {
    if (const auto unread = input_.unread().size(); unread > 0) {
        input_.consume(unread);
        co_return unread;
    }
    // One for all connections of the loop: nobody looks at it.
    thread_local std::array<char, 64 * 1024> dropped;
    begin_transfer(due);
    error_code error;
    const auto target = boost::asio::buffer(dropped);
    const auto size = co_await socket_.async_read_some(target, boost::asio::redirect_error(use_awaitable, error));
    end_transfer();
    if (error) co_return std::nullopt;
    co_return size;
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
    transfer_due_ = due;
    sweep_.arm(alarm_, due);
}

void Connection::hurry(TimePoint due) noexcept {
    if (transferring_ && due < transfer_due_) begin_transfer(due);
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
        if (pace_) {
            note_taken();
            if (pace_->due() > Clock::now()) return begin_transfer(pace_->due());
        }
        late_ = true;
        return interrupt();
    }
    if (Clock::now() >= watched_until_) return on_end_(Cause::late);
    look_at_peer();
}

/// Also with pipelined requests in the buffer, in front of the end of the stream.
void Connection::look_at_peer() {
    ::pollfd polled{socket_.native_handle(), POLLRDHUP, 0};
    const bool news = ::poll(&polled, 1, 0) > 0;
    if (news && (polled.revents & (POLLHUP | POLLERR)) != 0) return on_end_(Cause::gone);
    const bool finished = news && (polled.revents & POLLRDHUP) != 0;
    watch(watched_until_);
    if (finished && !std::exchange(told_finished_, true)) on_end_(Cause::finished);
}

std::uint64_t Connection::acknowledged() noexcept {
    int outstanding = 0;
    if (::ioctl(socket_.native_handle(), SIOCOUTQ, &outstanding) != 0 || outstanding < 0) return taken_;
    return sent_ - std::min(sent_, static_cast<std::uint64_t>(outstanding));
}

/// What the peer has taken since the last look counts for the write that is pending.
void Connection::note_taken() noexcept {
    const auto taken = std::max(taken_, acknowledged());
    pace_->moved(taken - std::exchange(taken_, taken), Clock::now());
}

}  // namespace sluice::http

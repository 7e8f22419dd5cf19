#include "upstream/line.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace sluice::upstream {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t first_capacity = 4 * 1024;
constexpr std::size_t last_capacity = 64 * 1024;
constexpr std::size_t written_at_once = 64 * 1024;  // of a body under TLS, which is held twice

/// What has come encrypted, until it is put into a session: none of it waits there.
std::span<char> encrypted_space() {
    thread_local std::array<char, 16 * 1024> space;
    return space;
}

}  // namespace

Line::Line(Executor executor, std::shared_ptr<DueList> dues) : socket_{executor}, dues_{std::move(dues)} {}

awaitable<Line::Error> Line::connect(Address address) {
    address_ = address;
    close();  // of the address before
    tls_.reset();
    timed_out_ = false;
    Error error;
    socket_.open(address.protocol(), error);
    if (error) co_return error;
    socket_.non_blocking(true, error);
    socket_.set_option(tcp::no_delay{true}, error);
    co_await socket_.async_connect(address, asio::redirect_error(use_awaitable, error));
    co_return error;
}

awaitable<Line::Error> Line::secure(TlsSession session, std::string& why_not) {
    tls_.emplace(std::move(session));
    for (;;) {
        const auto step = tls_->handshake();
        if (const auto error = co_await flush()) co_return error;  // an alert, too
        if (step == TlsSession::Step::done) co_return Error{};
        if (step != TlsSession::Step::needs_input) {
            why_not = tls_->problem();
            co_return asio::error::no_permission;
        }
        std::size_t size = 0;
        const auto encrypted = encrypted_space();
        if (const auto error = co_await receive(encrypted, size)) co_return error;
        tls_->put({encrypted_space().data(), size});
    }
}

awaitable<Line::Error> Line::write(std::string_view head, std::string_view body) {
    if (!tls_) {
        Error error;
        const std::array buffers{asio::buffer(head), asio::buffer(body)};
        co_await asio::async_write(socket_, buffers, asio::redirect_error(use_awaitable, error));
        co_return error;
    }
    if (tls_->write(head) != TlsSession::Step::done) co_return asio::error::connection_reset;
    do {
        const auto piece = body.substr(0, written_at_once);
        body.remove_prefix(piece.size());
        if (tls_->write(piece) != TlsSession::Step::done) co_return asio::error::connection_reset;
        if (const auto error = co_await flush()) co_return error;
    } while (!body.empty());
    co_return Error{};
}

awaitable<Line::Error> Line::flush() {
    if (flushing_) co_return Error{};  // whoever does sends this as well
    flushing_ = true;
    while (!tls_->pending().empty()) {
        const auto bytes = tls_->pending();
        Error error;
        co_await asio::async_write(socket_, asio::buffer(bytes), asio::redirect_error(use_awaitable, error));
        if (error) co_return error;
        tls_->sent(bytes.size());
    }
    flushing_ = false;
    co_return Error{};
}

awaitable<Line::Error> Line::read() {
    std::size_t size = 0;
    if (!tls_) {
        // No memory is held while nothing comes.
        if (capacity_ == 0) {
            Error error;
            co_await socket_.async_wait(tcp::socket::wait_read, asio::redirect_error(use_awaitable, error));
            if (error) co_return error;
        }
        const auto error = co_await receive(space(), size);
        if (error) co_return error;
    } else {
        for (;;) {
            const auto step = tls_->read(space(), size);
            if (step == TlsSession::Step::done) break;
            if (step == TlsSession::Step::closed) co_return asio::error::eof;
            if (step == TlsSession::Step::failed) co_return asio::error::connection_reset;
            if (const auto error = co_await flush()) co_return error;
            std::size_t encrypted = 0;
            const auto error = co_await receive(encrypted_space(), encrypted);
            // Only close_notify ends a body that has no length: anybody could close the connection.
            if (error) co_return error == asio::error::eof ? asio::error::connection_reset : error;
            tls_->put({encrypted_space().data(), encrypted});
        }
    }
    filled_ = end_ + size == capacity_;
    end_ += size;
    co_return Error{};
}

// At least one byte. `into` is either a line's own or a thread's: nothing else runs between the reading and its use.
awaitable<Line::Error> Line::receive(std::span<char> into, std::size_t& size) {
    for (;;) {
        Error error;
        size = socket_.read_some(asio::buffer(into.data(), into.size()), error);
        if (error != asio::error::would_block) co_return error;
        co_await socket_.async_wait(tcp::socket::wait_read, asio::redirect_error(use_awaitable, error));
        if (error) co_return error;
    }
}

std::span<char> Line::space() {
    if (begin_ == end_) begin_ = end_ = 0;
    const auto unread = end_ - begin_;
    // A buffer that was filled at once is too small for what comes; a head that is longer than it needs more as well.
    const bool small = capacity_ - unread < first_capacity / 4 || filled_;
    if (capacity_ == 0 || (small && capacity_ < last_capacity)) {
        const auto larger = std::max(first_capacity, std::min(last_capacity, capacity_ * 4));
        auto buffer = std::make_unique_for_overwrite<char[]>(larger);
        if (unread > 0) std::memcpy(buffer.get(), buffer_.get() + begin_, unread);
        buffer_ = std::move(buffer);
        capacity_ = larger;
        begin_ = 0;
        end_ = unread;
    } else if (begin_ > 0 && end_ == capacity_) {
        std::memmove(buffer_.get(), buffer_.get() + begin_, unread);
        begin_ = 0;
        end_ = unread;
    }
    return {buffer_.get() + end_, capacity_ - end_};
}

bool Line::is_idle_and_open() {
    if (!socket_.is_open() || begin_ != end_) return false;
    Error error;
    if (!tls_) {
        char byte = 0;
        socket_.receive(asio::buffer(&byte, 1), tcp::socket::message_peek, error);
        return error == asio::error::would_block;
    }
    for (;;) {
        const auto space = encrypted_space();
        const auto size = socket_.read_some(asio::buffer(space.data(), space.size()), error);
        if (error) return error == asio::error::would_block;
        tls_->put({space.data(), size});
        char byte = 0;
        std::size_t got = 0;
        // A ticket for a later session is no data, and no close.
        if (tls_->read({&byte, 1}, got) != TlsSession::Step::needs_input) return false;
    }
}

void Line::rest(TimePoint until, std::function<void()> over) {
    over_ = std::move(over);
    buffer_.reset();
    capacity_ = begin_ = end_ = 0;
    filled_ = false;
    end_at(until);
}

void Line::wake() noexcept {
    over_ = nullptr;
    ++uses;
}

void Line::on_due() {
    if (over_) return std::exchange(over_, nullptr)();
    timed_out_ = true;
    close();
}

void Line::close() noexcept {
    Error ignored;
    socket_.close(ignored);
}

}  // namespace sluice::upstream

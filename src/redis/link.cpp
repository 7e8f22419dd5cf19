#include "redis/link.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace sluice::redis {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

void append(std::string& out, std::initializer_list<std::string_view> arguments) {
    append_command(out, Command{arguments.begin(), arguments.size()});
}

}  // namespace

Link::Link(Executor executor, Address address)
    : executor_{executor}, address_{std::move(address)}, socket_{executor}, patience_{executor} {}

void Link::close() noexcept {
    closed_ = true;
    error_code ignored;
    socket_->close(ignored);
}

awaitable<std::string> Link::open(Duration patience, std::string trial) {
    socket_.emplace(executor_);
    reader_.emplace();
    closed_ = false;
    // Shared with the timer, whose call may already be queued when we are done: it must not close what has been opened.
    const auto opening = std::make_shared<bool>(true);
    patience_.expires_after(patience);
    patience_.async_wait([this, opening](const error_code& cancelled) {
        if (!cancelled && *opening) close();
    });
    std::string problem = co_await connect();
    if (problem.empty()) problem = co_await log_in(std::move(trial));
    if (closed_) problem = "no connection in time";
    *opening = false;
    patience_.cancel();
    if (!problem.empty()) close();
    co_return problem;
}

awaitable<std::string> Link::connect() {
    error_code error;
    std::vector<tcp::endpoint> endpoints;
    const auto numeric = asio::ip::make_address(address_.host, error);
    if (!error) {
        endpoints.emplace_back(numeric, address_.port);
    } else {
        asio::ip::basic_resolver<tcp, Executor> resolver{executor_};
        const auto found = co_await resolver.async_resolve(address_.host, std::to_string(address_.port),
                                                           asio::redirect_error(use_awaitable, error));
        if (error) co_return "cannot resolve the host: " + error.message();
        for (const auto& entry : found) endpoints.push_back(entry.endpoint());
    }
    error = asio::error::host_not_found;
    for (const auto& endpoint : endpoints) {
        if (closed_) co_return "closed";
        socket_.emplace(executor_);
        co_await socket_->async_connect(endpoint, asio::redirect_error(use_awaitable, error));
        if (!error) break;
    }
    if (error) co_return "cannot connect: " + error.message();
    socket_->set_option(tcp::no_delay{true}, error);
    socket_->set_option(asio::socket_base::keep_alive{true}, error);
    co_return std::string{};
}

awaitable<std::string> Link::log_in(std::string trial) {
    std::string greeting;
    std::size_t expected = 1;
    if (!address_.password.empty()) {
        if (address_.user.empty()) {
            append(greeting, {"AUTH", address_.password});
        } else {
            append(greeting, {"AUTH", address_.user, address_.password});
        }
        ++expected;
    }
    if (address_.database != 0) {
        append(greeting, {"SELECT", std::to_string(address_.database)});
        ++expected;
    }
    append(greeting, {"PING"});  // also tells a missing password and a server that is still loading
    const std::size_t of_login = expected;
    if (!trial.empty()) {
        greeting += trial;
        ++expected;
    }
    error_code error;
    co_await asio::async_write(*socket_, asio::buffer(greeting), asio::redirect_error(use_awaitable, error));
    if (error) co_return "cannot log in: " + error.message();
    std::vector<Value> replies;
    while (replies.size() < expected) {
        std::string problem = co_await read(replies);
        for (std::size_t i = 0; i < std::min(of_login, replies.size()); ++i) {
            if (replies[i].kind == Value::Kind::error) co_return "login refused: " + replies[i].text;
        }
        if (!problem.empty()) co_return problem;
    }
    if (!trial.empty()) trial_reply_ = std::move(replies[of_login]);
    co_return std::string{};
}

// Waits before it reads: a read that Asio has begun may hold bytes already whose completion is still queued, and whoever
// read on meanwhile would have later bytes before earlier ones.
awaitable<std::string> Link::read(std::vector<Value>& replies) {
    error_code error;
    co_await socket_->async_wait(tcp::socket::wait_read, asio::redirect_error(use_awaitable, error));
    if (!error) co_return receive(replies);
    co_return "lost: " + error.message();
}

std::string Link::receive(std::vector<Value>& replies) {
    const auto size = ::recv(socket_->native_handle(), input_.data(), input_.size(), MSG_DONTWAIT);
    if (size == 0) return "closed by the server";
    if (size < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {};
        return "lost: " + error_code{errno, boost::system::system_category()}.message();
    }
    return take({input_.data(), static_cast<std::size_t>(size)}, replies);
}

std::string Link::take(std::string_view bytes, std::vector<Value>& replies) {
    try {
        reader_->feed(bytes);
        while (auto reply = reader_->next()) replies.push_back(std::move(*reply));
    } catch (const ProtocolError& broken) {
        return broken.what();
    }
    return {};
}

}  // namespace sluice::redis

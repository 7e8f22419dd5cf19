#include "support/tcp_relay.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <atomic>
#include <thread>
#include <utility>

namespace sluice::test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;

}  // namespace

class TcpRelay::Impl {
public:
    explicit Impl(std::uint16_t target) : target_{asio::ip::address_v4::loopback(), target} {
        asio::co_spawn(context_, accept(), asio::detached);
        thread_ = std::thread{[this] { context_.run(); }};
    }
    ~Impl() {
        context_.stop();
        thread_.join();
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

    std::atomic<milliseconds> delay{milliseconds{0}};
    std::atomic<bool> held{false};

private:
    using Socket = std::shared_ptr<tcp::socket>;

    asio::awaitable<void> accept() {
        for (;;) {
            auto client = std::make_shared<tcp::socket>(co_await acceptor_.async_accept(asio::use_awaitable));
            asio::co_spawn(context_, connect(std::move(client)), asio::detached);
        }
    }

    asio::awaitable<void> connect(Socket client) {
        auto server = std::make_shared<tcp::socket>(context_);
        boost::system::error_code error;
        server->connect(target_, error);  // of this machine: it is there or not
        if (error) co_return;             // and closes the client's
        client->set_option(tcp::no_delay{true});
        server->set_option(tcp::no_delay{true});
        asio::co_spawn(context_, pass(client, server), asio::detached);
        asio::co_spawn(context_, pass(server, client), asio::detached);
    }

    asio::awaitable<void> pass(Socket from, Socket to) {
        asio::steady_timer timer{context_};
        std::array<char, 16384> bytes;
        try {
            for (;;) {
                const auto size = co_await from->async_read_some(asio::buffer(bytes), asio::use_awaitable);
                auto wait = delay.load();
                while (wait > milliseconds{0} || held) {
                    timer.expires_after(wait > milliseconds{0} ? std::exchange(wait, milliseconds{0}) : milliseconds{5});
                    co_await timer.async_wait(asio::use_awaitable);
                }
                co_await asio::async_write(*to, asio::buffer(bytes, size), asio::use_awaitable);
            }
        } catch (const boost::system::system_error&) {
            boost::system::error_code ignored;
            from->close(ignored);
            to->close(ignored);
        }
    }

    const tcp::endpoint target_;
    asio::io_context context_{1};
    tcp::acceptor acceptor_{context_, {asio::ip::address_v4::loopback(), 0}};
    std::thread thread_;  // last: runs what the others are for
};

TcpRelay::TcpRelay(std::uint16_t target) : impl_{std::make_unique<Impl>(target)} {}

TcpRelay::~TcpRelay() = default;

std::uint16_t TcpRelay::port() const noexcept { return impl_->port(); }

void TcpRelay::delay(milliseconds time) noexcept { impl_->delay = time; }

void TcpRelay::hold() noexcept { impl_->held = true; }

void TcpRelay::release() noexcept { impl_->held = false; }

}  // namespace sluice::test

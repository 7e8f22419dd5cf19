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
    Impl(std::uint16_t first_target, std::function<Watch()> watch_one)
        : target{first_target}, watch_one_{std::move(watch_one)} {
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

    std::atomic<std::uint16_t> target;
    std::atomic<milliseconds> delay{milliseconds{0}};
    std::atomic<bool> held{false};

private:
    struct Link {
        tcp::socket client;
        tcp::socket server;
        Watch watch;          // may be none
        bool silent = false;  // nothing goes back to the client any more
    };

    asio::awaitable<void> accept() {
        for (;;) {
            auto client = co_await acceptor_.async_accept(asio::use_awaitable);
            tcp::socket server{context_};
            boost::system::error_code error;
            server.connect({asio::ip::address_v4::loopback(), target.load()}, error);  // of this machine: it is there or not
            if (error) continue;                                                       // and closes the client's
            client.set_option(tcp::no_delay{true});
            server.set_option(tcp::no_delay{true});
            const auto link = std::make_shared<Link>(Link{std::move(client), std::move(server), {}, false});
            if (watch_one_) link->watch = watch_one_();
            asio::co_spawn(context_, pass(link, link->client, link->server), asio::detached);
            asio::co_spawn(context_, pass(link, link->server, link->client), asio::detached);
        }
    }

    asio::awaitable<void> pass(std::shared_ptr<Link> link, tcp::socket& from, tcp::socket& to) {
        const bool from_client = &from == &link->client;
        asio::steady_timer timer{context_};
        std::array<char, 16384> bytes;
        try {
            for (;;) {
                const auto size = co_await from.async_read_some(asio::buffer(bytes), asio::use_awaitable);
                if (from_client && link->watch && link->watch({bytes.data(), size})) link->silent = true;
                auto wait = delay.load();
                while (wait > milliseconds{0} || held) {
                    timer.expires_after(wait > milliseconds{0} ? std::exchange(wait, milliseconds{0}) : milliseconds{5});
                    co_await timer.async_wait(asio::use_awaitable);
                }
                if (!from_client && link->silent) continue;
                co_await asio::async_write(to, asio::buffer(bytes, size), asio::use_awaitable);
            }
        } catch (const boost::system::system_error&) {
            if (!from_client && link->silent) co_return;  // nor does the client hear that the server has gone
            boost::system::error_code ignored;
            from.close(ignored);
            to.close(ignored);
        }
    }

    const std::function<Watch()> watch_one_;
    asio::io_context context_{1};
    tcp::acceptor acceptor_{context_, {asio::ip::address_v4::loopback(), 0}};
    std::thread thread_;  // last: runs what the others are for
};

TcpRelay::TcpRelay(std::uint16_t target, std::function<Watch()> watch_one)
    : impl_{std::make_unique<Impl>(target, std::move(watch_one))} {}

TcpRelay::~TcpRelay() = default;

std::uint16_t TcpRelay::port() const noexcept { return impl_->port(); }

void TcpRelay::lead_to(std::uint16_t target) noexcept { impl_->target = target; }

void TcpRelay::delay(milliseconds time) noexcept { impl_->delay = time; }

void TcpRelay::hold() noexcept { impl_->held = true; }

void TcpRelay::release() noexcept { impl_->held = false; }

std::uint16_t port_of(const std::string& url) {
    return static_cast<std::uint16_t>(std::stoul(url.substr(url.rfind(':') + 1)));
}

std::string with_port(std::string url, std::uint16_t port) {
    const auto from = url.rfind(':') + 1;
    return url.replace(from, url.find('/', from) - from, std::to_string(port));
}

}  // namespace sluice::test

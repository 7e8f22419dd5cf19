#include "support/postgres_relay.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <atomic>
#include <regex>
#include <stdexcept>
#include <string_view>
#include <thread>

namespace sluice::test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::string_view_literals;

// The message Query of the protocol: its type, four bytes of length, and the text, which may go on.
constexpr auto commit = "commit"sv;
constexpr std::size_t before_text = 5;

bool holds_commit(std::string_view bytes) {
    for (auto at = bytes.find(commit, before_text); at != bytes.npos; at = bytes.find(commit, at + 1)) {
        if (bytes[at - before_text] == 'Q') return true;
    }
    return false;
}

struct Link {
    explicit Link(tcp::socket from, tcp::socket to) : client{std::move(from)}, server{std::move(to)} {}
    tcp::socket client;
    tcp::socket server;
    bool silent = false;  // nothing goes back to the client any more
    std::string tail;     // of what the client has sent, should a message come in two parts
};

}  // namespace

class PostgresRelay::Impl {
public:
    explicit Impl(const std::string& url) {
        std::smatch parts;
        if (!std::regex_match(url, parts, std::regex{R"(^(.*@)([^:/@]+):(\d+)(/.*)$)"}))
            throw std::invalid_argument{"no host and port in the URL of the server"};
        server_ = *tcp::resolver{context_}.resolve(parts[2].str(), parts[3].str()).begin();
        url_ = parts[1].str() + "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + parts[4].str();
        asio::co_spawn(context_, accept(), asio::detached);
        thread_ = std::jthread{[this] { context_.run(); }};
    }
    ~Impl() {
        context_.stop();
        thread_.join();
    }

    const std::string& url() const noexcept { return url_; }
    void swallow_next_commit() {
        swallowed_ = false;
        armed_ = true;
    }
    bool swallowed() const noexcept { return swallowed_; }

private:
    asio::awaitable<void> accept() {
        for (;;) {
            auto client = co_await acceptor_.async_accept(asio::use_awaitable);
            tcp::socket server{context_};
            co_await server.async_connect(server_, asio::use_awaitable);
            client.set_option(tcp::no_delay{true});
            server.set_option(tcp::no_delay{true});
            const auto link = std::make_shared<Link>(std::move(client), std::move(server));
            asio::co_spawn(context_, to_server(link), asio::detached);
            asio::co_spawn(context_, to_client(link), asio::detached);
        }
    }

    asio::awaitable<void> to_server(std::shared_ptr<Link> link) {
        std::array<char, 16384> bytes{};
        try {
            for (;;) {
                const auto read = co_await link->client.async_read_some(asio::buffer(bytes), asio::use_awaitable);
                look_for_commit(*link, {bytes.data(), read});
                co_await asio::async_write(link->server, asio::buffer(bytes.data(), read), asio::use_awaitable);
            }
        } catch (const std::exception&) {
            hang_up(link->server);  // what was passed on is read by the server all the same
        }
    }

    asio::awaitable<void> to_client(std::shared_ptr<Link> link) {
        std::array<char, 16384> bytes{};
        try {
            for (;;) {
                const auto read = co_await link->server.async_read_some(asio::buffer(bytes), asio::use_awaitable);
                if (link->silent) continue;
                co_await asio::async_write(link->client, asio::buffer(bytes.data(), read), asio::use_awaitable);
            }
        } catch (const std::exception&) {
            if (!link->silent) hang_up(link->client);
        }
    }

    void look_for_commit(Link& link, std::string_view bytes) {
        link.tail.append(bytes);
        if (armed_ && holds_commit(link.tail)) {
            armed_ = false;
            link.silent = true;
            swallowed_ = true;
        }
        constexpr auto longest_part = before_text + commit.size() - 1;
        if (link.tail.size() > longest_part) link.tail.erase(0, link.tail.size() - longest_part);
    }

    static void hang_up(tcp::socket& socket) {
        boost::system::error_code ignored;
        socket.shutdown(tcp::socket::shutdown_send, ignored);
    }

    asio::io_context context_{1};
    tcp::acceptor acceptor_{context_, {asio::ip::address_v4::loopback(), 0}};
    tcp::endpoint server_;
    std::string url_;
    std::atomic<bool> armed_{false};
    std::atomic<bool> swallowed_{false};
    std::jthread thread_;
};

PostgresRelay::PostgresRelay(const std::string& url) : impl_{std::make_unique<Impl>(url)} {}
PostgresRelay::~PostgresRelay() = default;
const std::string& PostgresRelay::url() const noexcept { return impl_->url(); }
void PostgresRelay::swallow_next_commit() { impl_->swallow_next_commit(); }
bool PostgresRelay::swallowed() const noexcept { return impl_->swallowed(); }

}  // namespace sluice::test

#include "support/origin.hpp"

#include "sluice/request.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <fcntl.h>

#include <array>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

namespace sluice::test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Kind = OriginAnswer::Step::Kind;

template <class Take>
void for_each_field(const std::string& head, Take take) {
    auto begin = head.find("\r\n") + 2;
    while (begin < head.size()) {
        const auto end = head.find("\r\n", begin);
        if (end == begin || end == head.npos) return;
        const auto line = std::string_view{head}.substr(begin, end - begin);
        const auto colon = line.find(':');
        if (colon != line.npos) take(line.substr(0, colon), trimmed(line.substr(colon + 1)));
        begin = end + 2;
    }
}

/// How long a message is whose head is there; nothing: more must come.
std::optional<std::size_t> body_size(const OriginRequest& request, std::string_view behind) {
    if (request.field("Transfer-Encoding")) {
        const auto end = behind.find("0\r\n\r\n");
        return end == behind.npos ? std::nullopt : std::optional{end + 5};
    }
    const auto length = std::stoul(request.field("Content-Length").value_or("0"));
    return behind.size() < length ? std::nullopt : std::optional{length};
}

}  // namespace

std::optional<std::string> OriginRequest::field(std::string_view name) const {
    std::optional<std::string> found;
    for_each_field(head, [&](std::string_view one, std::string_view value) {
        if (!found && equal_ignoring_case(one, name)) found = value;
    });
    return found;
}

std::size_t OriginRequest::field_count(std::string_view name) const {
    std::size_t count = 0;
    for_each_field(head, [&](std::string_view one, std::string_view) { count += equal_ignoring_case(one, name); });
    return count;
}

OriginAnswer OriginAnswer::status(unsigned status, const std::string& body, const std::string& fields) {
    return bytes("HTTP/1.1 " + std::to_string(status) + " As told\r\nContent-Length: " + std::to_string(body.size()) +
                 "\r\n" + fields + "\r\n" + body);
}

class Origin::Impl {
public:
    explicit Impl(Behaviour behaviour) : behaviour_{std::move(behaviour)} {
        port = acceptor_.local_endpoint().port();
        keep_to_ourselves();
        asio::co_spawn(context_, accept(), asio::detached);
        thread_ = std::thread{[this] { context_.run(); }};
    }
    ~Impl() {
        context_.stop();
        thread_.join();
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    /// Runs it on the origin's thread, and waits.
    template <class Work>
    auto on_thread(Work work) const {
        // Owned by both: the result is there before the task is done with itself.
        const auto task = std::make_shared<std::packaged_task<decltype(work())()>>(std::move(work));
        auto result = task->get_future();
        asio::post(context_, [task] { (*task)(); });
        return result.get();
    }

    void behave(Behaviour behaviour) { behaviour_ = std::move(behaviour); }
    void go_away() {
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        for (auto* connection : connections_) reset(connection->socket);
    }
    void come_back() {
        acceptor_ = tcp::acceptor{context_, {asio::ip::address_v4::loopback(), port}};
        keep_to_ourselves();
        asio::co_spawn(context_, accept(), asio::detached);
    }
    void release() {
        released_ = true;
        for (auto* connection : connections_) connection->held.cancel();
    }
    void close_idle() {
        boost::system::error_code ignored;
        for (auto* connection : connections_) {
            connection->closed = true;
            if (!connection->busy) connection->socket.close(ignored);
        }
    }

    // A process that is started would go on listening in our place.
    void keep_to_ourselves() { ::fcntl(acceptor_.native_handle(), F_SETFD, FD_CLOEXEC); }

    std::uint16_t port = 0;
    bool reads = true;
    std::size_t finished = 0;
    std::vector<OriginRequest> requests;
    std::vector<std::string> received;
    std::size_t open() const { return connections_.size(); }

private:
    struct Connection {
        explicit Connection(tcp::socket accepted) : socket{std::move(accepted)}, held{socket.get_executor()} {}
        tcp::socket socket;
        asio::steady_timer held;
        std::size_t number = 0;
        bool busy = false;
        bool closed = false;
    };

    static void reset(tcp::socket& socket) {
        boost::system::error_code ignored;
        socket.set_option(tcp::socket::linger{true, 0}, ignored);
        socket.close(ignored);
    }

    asio::awaitable<void> accept() {
        for (;;) {
            boost::system::error_code error;
            auto socket = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
            if (error) co_return;
            asio::co_spawn(context_, serve(std::make_shared<Connection>(std::move(socket))), asio::detached);
        }
    }

    asio::awaitable<void> serve(std::shared_ptr<Connection> connection) {
        connection->number = received.size();
        received.emplace_back();
        connections_.insert(connection.get());
        try {
            if (!reads) {
                connection->held.expires_at(asio::steady_timer::time_point::max());
                co_await connection->held.async_wait(asio::use_awaitable);
            }
            for (std::size_t number = 0; !connection->closed; ++number) {
                auto request = co_await read(*connection, number);
                requests.push_back(request);
                connection->busy = true;
                co_await carry_out(*connection, behaviour_(request));
                connection->busy = false;
                ++finished;
            }
        } catch (const boost::system::system_error&) {  // the other side has gone
        }
        connections_.erase(connection.get());
    }

    asio::awaitable<OriginRequest> read(Connection& connection, std::size_t number) {
        auto& unread = unread_[connection.number];
        for (;;) {
            const auto end = unread.find("\r\n\r\n");
            if (end != unread.npos) {
                OriginRequest request;
                request.head = unread.substr(0, end + 4);
                request.connection = connection.number;
                request.number = number;
                const auto first = request.head.find(' ');
                request.method = request.head.substr(0, first);
                request.target = request.head.substr(first + 1, request.head.find(" HTTP/") - first - 1);
                if (const auto size = body_size(request, std::string_view{unread}.substr(end + 4))) {
                    request.body = unread.substr(end + 4, *size);
                    unread.erase(0, end + 4 + *size);
                    co_return request;
                }
            }
            std::array<char, 64 * 1024> bytes;
            const auto size = co_await connection.socket.async_read_some(asio::buffer(bytes), asio::use_awaitable);
            unread.append(bytes.data(), size);
            received[connection.number].append(bytes.data(), size);
        }
    }

    asio::awaitable<void> carry_out(Connection& connection, OriginAnswer answer) {
        for (const auto& step : answer.steps()) {
            switch (step.kind) {
                case Kind::send:
                    co_await asio::async_write(connection.socket, asio::buffer(step.bytes), asio::use_awaitable);
                    break;
                case Kind::forever:
                    for (;;) co_await asio::async_write(connection.socket, asio::buffer(step.bytes), asio::use_awaitable);
                case Kind::hold: {
                    connection.held.expires_at(asio::steady_timer::time_point::max());
                    boost::system::error_code ignored;
                    if (!released_) co_await connection.held.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
                    break;
                }
                case Kind::close:
                    connection.socket.shutdown(tcp::socket::shutdown_send);
                    connection.closed = true;
                    break;
                case Kind::reset:
                    reset(connection.socket);
                    connection.closed = true;
                    break;
            }
        }
    }

    Behaviour behaviour_;
    bool released_ = false;
    std::map<std::size_t, std::string> unread_;
    std::set<Connection*> connections_;
    mutable asio::io_context context_{1};
    const asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
    tcp::acceptor acceptor_{context_, {asio::ip::address_v4::loopback(), 0}};
    std::thread thread_;  // last: runs what the others are for
};

OriginAnswer Origin::commanded(const OriginRequest& request) {
    const auto path = request.target.substr(0, request.target.find('?'));
    const auto word = path.substr(path.rfind('/') + 1);
    const std::string large(100'000, 'x');
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    const std::map<std::string, OriginAnswer> answers{
        {"reset", OriginAnswer::reset()},
        {"hang", OriginAnswer::nothing()},
        {"slow-head", OriginAnswer::bytes("HTTP/1.1 200 O").and_hold().and_send("K\r\nContent-Length: 2\r\n\r\nok")},
        {"slow-body", OriginAnswer::bytes(ok + "Content-Length: 2\r\n\r\no").and_hold().and_send("k")},
        {"cut-off-head", OriginAnswer::bytes(ok + "Content-Len").and_close()},
        {"cut-off-body", OriginAnswer::bytes(ok + "Content-Length: 10\r\n\r\nhalf").and_close()},
        {"cut-off-chunk", OriginAnswer::bytes(ok + "Transfer-Encoding: chunked\r\n\r\na\r\nhalf").and_close()},
        {"garbage", OriginAnswer::bytes("220 mail.example ESMTP\r\n").and_hold()},
        {"wrong-length", OriginAnswer::bytes(ok + "Content-Length: 2\r\n\r\nok, and more")},
        {"two-lengths", OriginAnswer::bytes(ok + "Content-Length: 2\r\nContent-Length: 4\r\n\r\nokok")},
        {"length-and-chunked",
         OriginAnswer::bytes(ok + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")},
        {"bad-chunk", OriginAnswer::bytes(ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nokok\r\n0\r\n\r\n")},
        {"huge-head", OriginAnswer::bytes(ok + "X-Large: " + large + "\r\nContent-Length: 2\r\n\r\nok")},
        {"endless-head", OriginAnswer::bytes(ok).and_forever("X-More: of it\r\n")},
        {"endless-body", OriginAnswer::bytes(ok + "Transfer-Encoding: chunked\r\n\r\n")
                             .and_forever("3e8\r\n" + std::string(1000, 'e') + "\r\n")},
        {"interim", OriginAnswer::bytes("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + ok +
                                        "Content-Length: 2\r\n\r\nok")},
        {"interim-forever", OriginAnswer::bytes("").and_forever("HTTP/1.1 103 Early Hints\r\n\r\n")},
        {"until-close", OriginAnswer::bytes(ok + "\r\nok").and_close()},
        {"close-after", OriginAnswer::status(200, "ok").and_close()},
        {"close-without-word", OriginAnswer::bytes("").and_close()},
        {"chunked",
         OriginAnswer::bytes(ok + "Transfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x=y\r\nk\r\n0\r\nX-T: t\r\n\r\n")},
    };
    if (const auto found = answers.find(word); found != answers.end()) return found->second;
    if (word.size() == 3 && (word[0] == '4' || word[0] == '5'))
        return OriginAnswer::status(static_cast<unsigned>(std::stoul(word)), "no");
    return OriginAnswer::ok("ok");
}

Origin::Origin(Behaviour behaviour) : impl_{std::make_shared<Impl>(std::move(behaviour))} {}
Origin::~Origin() = default;

std::uint16_t Origin::port() const noexcept { return impl_->port; }

void Origin::behave(Behaviour behaviour) {
    impl_->on_thread([&] { impl_->behave(std::move(behaviour)); });
}

void Origin::go_away() {
    impl_->on_thread([&] { impl_->go_away(); });
}

void Origin::come_back() {
    impl_->on_thread([&] { impl_->come_back(); });
}

void Origin::never_read() {
    impl_->on_thread([&] { impl_->reads = false; });
}

void Origin::release() {
    impl_->on_thread([&] { impl_->release(); });
}

void Origin::close_idle() {
    impl_->on_thread([&] { impl_->close_idle(); });
}

std::size_t Origin::request_count() const {
    return impl_->on_thread([&] { return impl_->requests.size(); });
}

std::size_t Origin::finished_count() const {
    return impl_->on_thread([&] { return impl_->finished; });
}

std::size_t Origin::connection_count() const {
    return impl_->on_thread([&] { return impl_->received.size(); });
}

std::size_t Origin::open_count() const {
    return impl_->on_thread([&] { return impl_->open(); });
}

std::vector<OriginRequest> Origin::requests() const {
    return impl_->on_thread([&] { return impl_->requests; });
}

std::vector<std::string> Origin::received() const {
    return impl_->on_thread([&] { return impl_->received; });
}

}  // namespace sluice::test

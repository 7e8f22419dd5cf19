#include "support/redis_server.hpp"

#include "redis/protocol.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace sluice::test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

std::uint16_t free_port() {
    asio::io_context context;
    const tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), 0}};
    return acceptor.local_endpoint().port();
}

void flatten(const redis::Value& value, RedisAnswer& out) {
    switch (value.kind) {
        case redis::Value::Kind::nil:
            out.emplace_back("(nil)");
            break;
        case redis::Value::Kind::integer:
            out.push_back(std::to_string(value.integer));
            break;
        case redis::Value::Kind::string:
        case redis::Value::Kind::error:
            out.push_back(value.text);
            break;
        case redis::Value::Kind::array:
            for (const auto& element : value.elements) flatten(element, out);
            break;
    }
}

/// A blocking connection that has logged in.
class RedisConversation {
public:
    explicit RedisConversation(std::uint16_t port) {
        socket_.connect({asio::ip::address_v4::loopback(), port});
        ask(std::array<std::string_view, 2>{"AUTH", RedisServer::password});
    }

    redis::Value ask(redis::Command command) {
        std::string text;
        redis::append_command(text, command);
        asio::write(socket_, asio::buffer(text));
        return next();
    }

    redis::Value next() {
        std::array<char, 4096> bytes;
        for (;;) {
            if (auto reply = reader_.next()) return std::move(*reply);
            reader_.feed({bytes.data(), socket_.read_some(asio::buffer(bytes))});
        }
    }

private:
    asio::io_context context_;
    tcp::socket socket_{context_};
    redis::ReplyReader reader_;
};

std::string percent_encode(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
    return out;
}

}  // namespace

RedisServer::RedisServer() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-redis-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error{"cannot make a directory for Redis"};
    directory_ = name;
    for (int attempt = 0; attempt < 5; ++attempt) {  // another process may take the port first
        port_ = free_port();
        launch();
        if (answers()) return;
        kill();
    }
    throw std::runtime_error{"redis-server does not start"};
}

RedisServer::~RedisServer() {
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

std::string RedisServer::url(std::string_view with_password) const {
    return "redis://:" + percent_encode(with_password) + "@127.0.0.1:" + std::to_string(port_) + "/0";
}

RedisSettings RedisServer::settings(std::chrono::milliseconds timeout) const { return RedisSettings{url(), timeout}; }

void RedisServer::launch() {
    const auto file = directory_ / "redis.conf";
    std::ofstream{file} << "bind 127.0.0.1\nport " << port_
                        << "\nsave \"\"\nappendonly no\nenable-debug-command local\nrequirepass \"" << password << "\"\ndir "
                        << directory_.string() << "\nlogfile " << (directory_ / "log").string() << "\n";
    const std::string path = file.string();
    const pid_t child = ::fork();
    if (child < 0) throw std::runtime_error{"cannot fork"};
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // no server outlives the test
        ::execlp("redis-server", "redis-server", path.c_str(), static_cast<char*>(nullptr));
        ::_exit(127);
    }
    pid_ = child;
}

bool RedisServer::answers() const {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (std::chrono::steady_clock::now() < until) {
        if (::waitpid(pid_, nullptr, WNOHANG) != 0) return false;
        try {
            if (command({"PING"}) == RedisAnswer{"PONG"}) return true;
        } catch (const std::exception&) {  // not listening yet
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    return false;
}

void RedisServer::kill() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

void RedisServer::restart() {
    std::filesystem::remove(directory_ / "dump.rdb");  // what it would read
    launch();
    if (!answers()) throw std::runtime_error{"redis-server does not start again"};
}

void RedisServer::keep_copy() const {
    command({"SAVE"});
    std::filesystem::rename(directory_ / "dump.rdb", directory_ / "copy.rdb");
}

void RedisServer::restart_with_copy() {
    std::filesystem::copy_file(directory_ / "copy.rdb", directory_ / "dump.rdb",
                               std::filesystem::copy_options::overwrite_existing);
    launch();
    if (!answers()) throw std::runtime_error{"redis-server does not start again"};
}

void RedisServer::freeze() { ::kill(pid_, SIGSTOP); }

void RedisServer::thaw() { ::kill(pid_, SIGCONT); }

RedisAnswer RedisServer::command(std::initializer_list<std::string_view> arguments) const {
    RedisConversation conversation{port_};
    RedisAnswer answer;
    flatten(conversation.ask({arguments.begin(), arguments.size()}), answer);
    return answer;
}

std::vector<std::string> RedisServer::monitor(const std::function<void()>& work) const {
    constexpr std::string_view end = "the end of what is monitored";
    RedisConversation conversation{port_};
    conversation.ask(std::array<std::string_view, 1>{"MONITOR"});
    work();
    command({"ECHO", end});
    std::vector<std::string> lines;
    for (;;) {
        lines.push_back(conversation.next().text);
        if (lines.back().find(end) != std::string::npos) break;
    }
    lines.pop_back();
    return lines;
}

}  // namespace sluice::test

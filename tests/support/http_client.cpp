#include "support/http_client.hpp"

#include "sluice/request.hpp"
#include "support/process.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace sluice::test {
namespace {

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error{what + ": " + std::generic_category().message(errno)};
}

enum class Width {
    usual,
    narrow,  // small segments and a small window: then the server's own buffer is small as well
};

int connect_to(std::string_view host, std::uint16_t port, Width width = Width::usual) {
    const std::string text{host};
    const bool v6 = text.find(':') != text.npos;
    const int descriptor = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) fail("socket");
    if (width == Width::narrow) {
        const int segment = 100;
        const int window = 1;  // the least there is
        ::setsockopt(descriptor, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
        ::setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &window, sizeof window);
    }
    int result = 0;
    if (v6) {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_port = htons(port);
        ::inet_pton(AF_INET6, text.c_str(), &address.sin6_addr);
        result = ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    } else {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        ::inet_pton(AF_INET, text.c_str(), &address.sin_addr);
        result = ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    if (result != 0) {
        const int reason = errno;
        ::close(descriptor);
        errno = reason;
        fail("connect");
    }
    return descriptor;
}

sockaddr_in end_of(int socket, decltype(&::getsockname) which) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    if (which(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) fail("the socket's address");
    return address;
}

/// An end of a connection as the kernel lists it.
std::string listed(const sockaddr_in& end) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%08X:%04X", end.sin_addr.s_addr, unsigned{ntohs(end.sin_port)});
    return text.data();
}

bool is_listed(const std::string& connection) {
    std::ifstream table{"/proc/net/tcp"};
    for (std::string line; std::getline(table, line);) {
        if (line.find(connection) != line.npos) return true;
    }
    return false;
}

HttpResponse parse_head(std::string_view head) {
    HttpResponse response;
    if (!head.starts_with("HTTP/1.1 ") || head.size() < 12) throw std::runtime_error{"not HTTP: " + std::string{head}};
    response.status = static_cast<unsigned>(std::stoul(std::string{head.substr(9, 3)}));
    for (auto at = head.find("\r\n") + 2; at < head.size();) {
        const auto end = head.find("\r\n", at);
        const auto line = head.substr(at, end - at);
        at = end + 2;
        if (line.empty()) break;
        const auto colon = line.find(": ");
        if (colon == line.npos) throw std::runtime_error{"not a header field: " + std::string{line}};
        response.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    }
    return response;
}

}  // namespace

std::optional<std::string> HttpResponse::header(std::string_view name) const {
    for (const auto& [field, value] : headers) {
        if (equal_ignoring_case(field, name)) return value;
    }
    return std::nullopt;
}

HttpClient::HttpClient(std::uint16_t port, std::string_view host, std::chrono::milliseconds patience)
    : HttpClient{connect_to(host, port), patience} {}

HttpClient HttpClient::narrow(std::uint16_t port) {
    return {connect_to("127.0.0.1", port, Width::narrow), std::chrono::seconds{10}};
}

HttpClient::HttpClient(int socket, std::chrono::milliseconds patience) : socket_{socket} {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience);
    timeval limit{};
    limit.tv_sec = seconds.count();
    limit.tv_usec = std::chrono::microseconds{patience - seconds}.count();
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

HttpClient::~HttpClient() {
    if (socket_ >= 0) ::close(socket_);
}

HttpClient::HttpClient(HttpClient&& other) noexcept
    : socket_{std::exchange(other.socket_, -1)}, received_{std::move(other.received_)} {}

bool HttpClient::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto size = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) {
            if (errno == EPIPE || errno == ECONNRESET) return false;
            fail("send");
        }
        bytes.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
}

void HttpClient::finish_sending() { ::shutdown(socket_, SHUT_WR); }

void HttpClient::reset() {
    const auto there = listed(end_of(socket_, ::getpeername)) + ' ' + listed(end_of(socket_, ::getsockname));
    const ::linger at_once{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(std::exchange(socket_, -1));
    if (!eventually([&] { return !is_listed(there); })) throw std::runtime_error{"the server's end did not go"};
}

bool HttpClient::read_more() {
    std::array<char, 16384> buffer;
    for (;;) {
        const auto size = ::recv(socket_, buffer.data(), buffer.size(), 0);
        if (size > 0) {
            received_.append(buffer.data(), static_cast<std::size_t>(size));
            return true;
        }
        if (size == 0 || errno == ECONNRESET) return false;
        if (errno != EINTR) fail("no answer in time");
    }
}

std::optional<HttpResponse> HttpClient::receive(Body body) {
    std::size_t head_end = 0;
    while ((head_end = received_.find("\r\n\r\n")) == received_.npos) {
        if (read_more()) continue;
        if (received_.empty()) return std::nullopt;
        throw std::runtime_error{"the head is cut off: " + received_};
    }
    head_end += 4;
    auto response = parse_head(std::string_view{received_}.substr(0, head_end));
    received_.erase(0, head_end);
    const bool without = body == Body::none || response.status < 200 || response.status == 204 || response.status == 304;
    if (without) return response;
    const auto length = std::stoul(response.header("Content-Length").value_or("0"));
    while (received_.size() < length) {
        if (!read_more()) throw std::runtime_error{"the body is cut off"};
    }
    response.body = received_.substr(0, length);
    received_.erase(0, length);
    return response;
}

bool HttpClient::wait_closed() {
    if (received_.empty() && !read_more()) return true;
    return false;
}

HttpResponse HttpClient::request(std::string_view method, std::string_view target, std::string_view body,
                                 std::string_view extra_headers) {
    std::string bytes;
    bytes.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n").append(extra_headers);
    if (!body.empty()) bytes.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
    bytes.append("\r\n").append(body);
    send(bytes);
    auto response = receive(method == "HEAD" ? Body::none : Body::expected);
    if (!response) throw std::runtime_error{"the server closed the connection without an answer"};
    return *std::move(response);
}

HttpResponse http_get(std::uint16_t port, std::string_view target, std::string_view headers) {
    return HttpClient{port}.request("GET", target, {}, headers);
}

HttpResponse http_post(std::uint16_t port, std::string_view target, std::string_view body, std::string_view headers) {
    return HttpClient{port}.request("POST", target, body, headers);
}

}  // namespace sluice::test

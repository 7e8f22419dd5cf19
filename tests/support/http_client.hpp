// A small blocking HTTP client for tests: sends raw bytes, reads one response at a time, and never waits longer than its
// time limit.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::test {

struct HttpResponse {
    unsigned status = 0;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;

    /// The first field of that name whatever its case, or nothing.
    std::optional<std::string> header(std::string_view name) const;
    bool closes() const { return header("Connection") == "close"; }
};

class HttpClient {
public:
    /// Throws std::runtime_error if nobody listens.
    explicit HttpClient(std::uint16_t port, std::string_view host = "127.0.0.1",
                        std::chrono::milliseconds patience = std::chrono::seconds{10});
    /// A connection that holds little of what nobody has received yet: the server has to wait with the rest. Over IPv4 only.
    static HttpClient narrow(std::uint16_t port);
    ~HttpClient();
    HttpClient(HttpClient&& other) noexcept;
    HttpClient& operator=(HttpClient&&) = delete;

    /// False if the server has closed the connection.
    bool send(std::string_view bytes);
    /// No more will be sent; the server sees the end of the stream.
    void finish_sending();
    /// Gives the connection up: what the server writes to it fails once this has returned. Over IPv4 only.
    void reset();

    enum class Body {
        expected,  // as the head announces it
        none,      // the answer to HEAD
    };
    /// The next response, 1xx included. Nothing if the server closed the connection instead. Throws std::runtime_error when
    /// it takes longer than the time limit or is no HTTP.
    std::optional<HttpResponse> receive(Body body = Body::expected);
    /// Waits for the server to close the connection; false if bytes come instead.
    bool wait_closed();

    /// Sends a request with `Host` and, if there is a body, `Content-Length`; throws if there is no answer.
    HttpResponse request(std::string_view method, std::string_view target, std::string_view body = {},
                         std::string_view extra_headers = {});

private:
    HttpClient(int socket, std::chrono::milliseconds patience);
    /// False at the end of the stream.
    bool read_more();

    int socket_ = -1;
    std::string received_;
};

/// One request on a connection of its own. `headers` is in wire format: `Name: value\r\n`.
HttpResponse http_get(std::uint16_t port, std::string_view target, std::string_view headers = {});
HttpResponse http_post(std::uint16_t port, std::string_view target, std::string_view body, std::string_view headers = {});

}  // namespace sluice::test

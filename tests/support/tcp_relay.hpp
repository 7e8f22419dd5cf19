// A relay in front of a server that makes a network of the loopback: what passes can be delayed, held back and lost.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::test {

class TcpRelay {
public:
    /// Sees what the client of one connection sends, before it is passed on. True: from now on nothing goes back to it.
    using Watch = std::function<bool(std::string_view bytes)>;

    /// Listens on a free port of 127.0.0.1 and passes every connection on to `target` there. `watch_one` is asked for the
    /// watch of each; both are called on the relay's thread. Throws boost::system::system_error.
    explicit TcpRelay(std::uint16_t target, std::function<Watch()> watch_one = {});
    ~TcpRelay();
    TcpRelay(const TcpRelay&) = delete;
    TcpRelay& operator=(const TcpRelay&) = delete;

    std::uint16_t port() const noexcept;
    /// From now on it passes new connections on to another server of this machine; those that are open stay where they are.
    void lead_to(std::uint16_t target) noexcept;
    /// From now on every piece of data comes so much later, in both directions.
    void delay(std::chrono::milliseconds time) noexcept;
    /// From now on nothing passes, and no connection breaks; what came meanwhile passes after `release`.
    void hold() noexcept;
    void release() noexcept;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

/// The port in a URL such as `postgresql://name:secret@127.0.0.1:5432/database`, and the same URL with another.
std::uint16_t port_of(const std::string& url);
std::string with_port(std::string url, std::uint16_t port);

}  // namespace sluice::test

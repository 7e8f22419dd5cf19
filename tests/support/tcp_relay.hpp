// A relay in front of a server that makes a network of the loopback: what passes can be delayed and held back.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

namespace sluice::test {

class TcpRelay {
public:
    /// Listens on a free port of 127.0.0.1 and passes every connection on to `target` there. Throws
    /// boost::system::system_error.
    explicit TcpRelay(std::uint16_t target);
    ~TcpRelay();
    TcpRelay(const TcpRelay&) = delete;
    TcpRelay& operator=(const TcpRelay&) = delete;

    std::uint16_t port() const noexcept;
    /// From now on every piece of data comes so much later, in both directions.
    void delay(std::chrono::milliseconds time) noexcept;
    /// From now on nothing passes, and no connection breaks; what came meanwhile passes after `release`.
    void hold() noexcept;
    void release() noexcept;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::test

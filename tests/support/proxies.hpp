// Proxies as they stand in front of instances: HAProxy with the file that is shipped, and nginx.
#pragma once

#include "support/process.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace sluice::test {

/// Runs until the object goes, at a free port of 127.0.0.1.
class Proxy {
public:
    /// `deploy/haproxy.cfg`, with the addresses of these two instances and this `timeout server` in place of those it names.
    static Proxy haproxy(const Instance& first, const Instance& second,
                         std::chrono::seconds server_timeout = std::chrono::seconds{20});
    /// Below `/streamed` bodies are passed on as they come, elsewhere once all of them has come.
    static Proxy nginx(const Instance& instance);

    std::uint16_t port() const noexcept { return port_; }
    /// What it has logged so far.
    std::string log() const;

private:
    Proxy() : directory_{std::make_unique<TemporaryDirectory>()} {}
    void serve(const std::vector<std::string>& command);

    std::unique_ptr<TemporaryDirectory> directory_;
    std::unique_ptr<ChildProcess> process_;
    std::uint16_t port_ = 0;
};

}  // namespace sluice::test

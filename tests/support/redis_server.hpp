// A private Redis for one test: its own directory, a free port, a password. Ends with the object.
#pragma once

#include "sluice/settings.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::test {

/// What Redis answered, as text: strings and errors as they are, integers in decimal, nil as "(nil)"; an array's elements
/// one after the other, nested ones flattened.
using RedisAnswer = std::vector<std::string>;

class RedisServer {
public:
    /// Starts a server and waits until it answers.
    RedisServer();
    ~RedisServer();
    RedisServer(const RedisServer&) = delete;
    RedisServer& operator=(const RedisServer&) = delete;

    pid_t pid() const noexcept { return pid_; }
    std::uint16_t port() const noexcept { return port_; }
    std::string url() const { return url(password); }
    std::string url(std::string_view with_password) const;
    RedisSettings settings(std::chrono::milliseconds timeout = std::chrono::milliseconds{2000}) const;

    /// SIGKILL; returns when the process is gone.
    void kill();
    /// A new, empty server on the same port. Only after `kill`.
    void restart();
    /// Keeps a copy of what it holds now.
    void keep_copy() const;
    /// A new server on the same port with what the last copy holds. Only after `kill`.
    void restart_with_copy();
    /// SIGSTOP and SIGCONT: the sockets stay open, nothing answers.
    void freeze();
    void thaw();

    /// Sends one command on a connection of its own. Throws if the server does not answer.
    RedisAnswer command(std::initializer_list<std::string_view> arguments) const;

    /// All that `work` makes the server carry out, also within scripts: one line each, as MONITOR prints them.
    std::vector<std::string> monitor(const std::function<void()>& work) const;

    static constexpr std::string_view password = "a password: with @/% in it";

private:
    void launch();
    bool answers() const;

    std::filesystem::path directory_;
    std::uint16_t port_ = 0;
    pid_t pid_ = -1;
};

}  // namespace sluice::test

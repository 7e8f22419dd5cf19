// The `sluice` program as a child process: commands that end, and servers that serve until told to stop.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace sluice::test {

using Environment = std::map<std::string, std::string>;

struct CommandResult {
    int exit_code = -1;  ///< 128 + signal if a signal ended it
    std::string out;
    std::string err;
};

/// Runs a program to its end. Throws std::runtime_error when it takes longer than two minutes.
CommandResult run_command(const std::vector<std::string>& command, const Environment& environment = {});

/// The path of the `sluice` that belongs to this build.
std::string sluice_program();

/// Polls until `condition` holds; false after `patience`.
bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds patience = std::chrono::seconds{20});

/// A directory that goes with the object.
class TemporaryDirectory {
public:
    TemporaryDirectory();
    ~TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    const std::filesystem::path& path() const noexcept { return path_; }
    std::filesystem::path write(const std::string& name, const std::string& text) const;

private:
    std::filesystem::path path_;
};

/// `sluice serve` on free ports. Killed with the object if it still runs.
class Instance {
public:
    /// Returns once it serves. Throws std::runtime_error with its output if it ends instead.
    Instance(const std::filesystem::path& config, Environment environment);
    ~Instance();
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;

    std::uint16_t port() const noexcept { return port_; }
    std::uint16_t admin_port() const noexcept { return admin_port_; }
    void signal(int number) const;
    /// Waits for its end and returns the exit code, 128 + signal if a signal ended it.
    int wait();
    /// What it has logged so far.
    std::string log() const;

private:
    TemporaryDirectory directory_;
    ::pid_t pid_ = -1;
    std::uint16_t port_ = 0;
    std::uint16_t admin_port_ = 0;
};

}  // namespace sluice::test

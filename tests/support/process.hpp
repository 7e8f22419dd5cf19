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

/// A program that runs until it is killed, at the latest with the object.
class ChildProcess {
public:
    /// What it prints goes to the end of the file `output`. Throws std::runtime_error if it cannot be started.
    ChildProcess(const std::vector<std::string>& command, const std::filesystem::path& output);
    ~ChildProcess() { kill(); }
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    void signal(int number) const;
    /// SIGKILL; returns when the process is gone.
    void kill();
    /// False once it has ended by itself, or by `kill`.
    bool running();

private:
    ::pid_t pid_ = -1;
};

/// `sluice serve` on free ports. Killed with the object if it still runs.
class Instance {
public:
    /// Returns once it serves. Throws std::runtime_error with its output if it ends instead.
    /// `embedder`: a program of that path with the configuration as its one argument, instead of `sluice serve`.
    Instance(const std::filesystem::path& config, Environment environment, const std::string& embedder = {});
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

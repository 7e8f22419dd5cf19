#include "support/process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

extern char** environ;

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

std::string read_file(const std::filesystem::path& path) {
    std::ifstream in{path, std::ios::binary};
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

::pid_t start(const std::vector<std::string>& command, const Environment& environment, const std::filesystem::path& out,
              const std::filesystem::path& err) {
    Environment merged;
    for (char** entry = environ; *entry; ++entry) {
        const std::string text = *entry;
        merged[text.substr(0, text.find('='))] = text.substr(text.find('=') + 1);
    }
    for (const auto& [name, value] : environment) merged[name] = value;
    std::vector<std::string> pairs;
    pairs.reserve(merged.size());
    for (const auto& [name, value] : merged) pairs.emplace_back(name).append("=").append(value);
    std::vector<char*> arguments;
    arguments.reserve(command.size() + 1);
    for (const auto& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    std::vector<char*> variables;
    variables.reserve(pairs.size() + 1);
    for (auto& pair : pairs) variables.push_back(pair.data());
    variables.push_back(nullptr);

    ::posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::pid_t pid = -1;
    const int error = ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), variables.data());
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error{"cannot start " + command.front() + ": " + std::strerror(error)};
    return pid;
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

}  // namespace

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(20ms);
    }
    return true;
}

TemporaryDirectory::TemporaryDirectory() {
    auto pattern = (std::filesystem::temp_directory_path() / "sluice-test-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error{"cannot make a temporary directory"};
    path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TemporaryDirectory::write(const std::string& name, const std::string& text) const {
    auto file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream{file, std::ios::binary} << text;
    return file;
}

std::string sluice_program() { return SLUICE_PROGRAM; }

CommandResult run_command(const std::vector<std::string>& command, const Environment& environment) {
    const TemporaryDirectory directory;
    const auto out = directory.path() / "out";
    const auto err = directory.path() / "err";
    const auto pid = start(command, environment, out, err);
    int status = 0;
    if (!eventually([&] { return ::waitpid(pid, &status, WNOHANG) == pid; }, 120s)) {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, &status, 0);
        throw std::runtime_error{command.front() + " does not end: " + read_file(out) + read_file(err)};
    }
    return {code_of(status), read_file(out), read_file(err)};
}

ChildProcess::ChildProcess(const std::vector<std::string>& command, const std::filesystem::path& output)
    : pid_{start(command, {}, output, output)} {}

void ChildProcess::signal(int number) const {
    if (pid_ > 0) ::kill(pid_, number);
}

void ChildProcess::kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

bool ChildProcess::running() {
    if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
    return pid_ > 0;
}

Instance::Instance(const std::filesystem::path& config, Environment environment, const std::string& embedder) {
    environment.try_emplace("SLUICE_LISTEN", "127.0.0.1:0");
    environment.try_emplace("SLUICE_ADMIN", "127.0.0.1:0");
    const auto command = embedder.empty() ? std::vector<std::string>{sluice_program(), "serve", "--config", config.string()}
                                          : std::vector<std::string>{embedder, config.string()};
    pid_ = start(command, environment, directory_.path() / "log", directory_.path() / "log");
    const auto serves = [this] {
        std::istringstream lines{log()};
        for (std::string line; std::getline(lines, line);) {
            const auto entry = nlohmann::json::parse(line, nullptr, false);
            if (!entry.is_object() || entry.value("event", "") != "serving") continue;
            port_ = entry.at("port").get<std::uint16_t>();
            admin_port_ = entry.at("admin_port").get<std::uint16_t>();
            return true;
        }
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            pid_ = -1;
            throw std::runtime_error{"sluice ended with " + std::to_string(code_of(status)) + ": " + log()};
        }
        return false;
    };
    if (!eventually(serves, 60s)) throw std::runtime_error{"sluice does not serve: " + log()};
}

Instance::~Instance() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

void Instance::signal(int number) const { ::kill(pid_, number); }

int Instance::wait() {
    int status = 0;
    if (!eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }, 60s))
        throw std::runtime_error{"sluice does not end: " + log()};
    pid_ = -1;
    return code_of(status);
}

std::string Instance::log() const { return read_file(directory_.path() / "log"); }

}  // namespace sluice::test

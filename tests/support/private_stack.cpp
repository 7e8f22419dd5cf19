#include "support/private_stack.hpp"

#include <signal.h>
#include <stdlib.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <sstream>
#include <stdexcept>

namespace sluice::test {
namespace {

const std::string script = SLUICE_SOURCE_DIR "/scripts/stack";

// What a command prints. Its standard error is ours.
std::string output_of(const std::string& command) {
    std::FILE* pipe = ::popen(command.c_str(), "re");
    if (pipe == nullptr) throw std::runtime_error{"cannot run " + command};
    std::string output;
    std::array<char, 4096> buffer{};
    while (const auto size = std::fread(buffer.data(), 1, buffer.size(), pipe)) output.append(buffer.data(), size);
    if (::pclose(pipe) != 0) throw std::runtime_error{"this failed: " + command};
    return output;
}

std::vector<::pid_t> pids(const std::string& text) {
    std::vector<::pid_t> result;
    std::istringstream lines{text};
    for (::pid_t pid = 0; lines >> pid;) result.push_back(pid);
    return result;
}

}  // namespace

PrivateStack& PrivateStack::instance() {
    static PrivateStack stack;
    return stack;
}

PrivateStack::PrivateStack() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-stack-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"cannot make " + name};
    directory_ = name;
    // It lives until its input ends, which also happens when this process is killed.
    janitor_ =
        ::popen(("trap '' INT TERM HUP; cat >/dev/null; " + script + " down " + name + "; rm -rf " + name).c_str(), "we");
    if (janitor_ == nullptr) throw std::runtime_error{"cannot start a shell"};
    up();
    // Lines such as: export NAME='value'
    std::istringstream lines{output_of(script + " env " + directory_)};
    for (std::string line; std::getline(lines, line);) {
        const auto equals = line.find('=');
        constexpr std::string_view word = "export ";
        if (!line.starts_with(word) || equals == std::string::npos || line.size() < equals + 3) continue;
        environment_[line.substr(word.size(), equals - word.size())] = line.substr(equals + 2, line.size() - equals - 3);
    }
}

PrivateStack::~PrivateStack() {
    while (!frozen_.empty()) thaw(frozen_.begin()->first);
    ::pclose(janitor_);
}

const std::string& PrivateStack::env(const std::string& name) const {
    const auto found = environment_.find(name);
    if (found == environment_.end()) throw std::runtime_error{"`stack env` does not export " + name};
    return found->second;
}

void PrivateStack::up() {
    while (!frozen_.empty()) thaw(frozen_.begin()->first);
    output_of("SLUICE_STACK_FSYNC=off " + script + " up " + directory_ + " >&2");
}

std::vector<::pid_t> PrivateStack::processes(std::string_view server) const {
    auto all = pids(output_of(script + " pid " + directory_ + ' ' + std::string{server}));
    if (all.size() != 1) throw std::runtime_error{"one pid was expected"};
    return all;
}

void PrivateStack::kill(std::string_view server) {
    for (const auto pid : processes(server)) ::kill(pid, SIGKILL);
}

void PrivateStack::freeze(std::string_view server) {
    auto all = processes(server);
    ::kill(all.front(), SIGSTOP);  // first the one that makes more of them
    for (const auto pid : pids(output_of("pgrep -P " + std::to_string(all.front()) + " || true"))) {
        ::kill(pid, SIGSTOP);
        all.push_back(pid);
    }
    frozen_[std::string{server}] = std::move(all);
}

void PrivateStack::thaw(std::string_view server) {
    const auto found = frozen_.find(server);
    if (found == frozen_.end()) return;
    for (const auto pid : found->second) ::kill(pid, SIGCONT);
    frozen_.erase(found);
}

}  // namespace sluice::test

#include "telemetry/standard_output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <string>

namespace sluice::log {
namespace {

using namespace std::chrono_literals;

/// How long it takes at most to notice a hurry.
constexpr auto look_every = 50ms;

bool is_socket(int descriptor) {
    struct ::stat found {};
    return ::fstat(descriptor, &found) == 0 && S_ISSOCK(found.st_mode);
}

std::pair<::dev_t, ::ino_t> file_of(int descriptor) {
    struct ::stat found {};
    if (::fstat(descriptor, &found) != 0) return {};
    return {found.st_dev, found.st_ino};
}

/// Of a pipe or a terminal a description of our own, so that nobody else's writes fail: O_NONBLOCK belongs to the
/// description, which other processes share.
int without_blocking(int descriptor) {
    struct ::stat found {};
    if (::fstat(descriptor, &found) != 0 || (!S_ISFIFO(found.st_mode) && !S_ISCHR(found.st_mode))) return descriptor;
    const auto path = "/proc/self/fd/" + std::to_string(descriptor);
    const int own = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    return own < 0 ? descriptor : own;
}

/// Whole lines, as many as a pipe takes at once without mixing them with others'.
std::size_t size_of_next(std::string_view text) {
    if (text.size() <= PIPE_BUF) return text.size();
    const auto last_end = text.rfind('\n', PIPE_BUF - 1);
    return last_end == text.npos ? PIPE_BUF : last_end + 1;
}

}  // namespace

StandardOutput& StandardOutput::get() {
    // Never destroyed: the last lines of a process may be written after its static objects have gone.
    static auto& output = *new StandardOutput{STDOUT_FILENO};
    return output;
}

StandardOutput::StandardOutput(int descriptor)
    : given_{descriptor},
      descriptor_{without_blocking(descriptor)},
      is_socket_{is_socket(descriptor)},
      file_{file_of(descriptor)} {}

int StandardOutput::descriptor() const noexcept { return file_of(given_) == file_ ? descriptor_ : given_; }

bool StandardOutput::is_terminal() const noexcept { return ::isatty(given_) == 1; }

bool StandardOutput::write(std::string_view text, Clock::time_point due) noexcept {
    auto taken = Clock::time_point::min();  // when the reader last took something
    const auto limit = [&] {
        const auto hurried = hurried_.load();
        if (hurried == Clock::time_point::max()) return due;
        return std::min(due, std::max(hurried, taken) + patience_.load());
    };
    const int to = descriptor();
    while (!text.empty() && !broken_) {
        ::pollfd ready{to, POLLOUT, 0};
        const auto left = limit() - Clock::now();
        const auto wait = std::clamp<Clock::duration>(left, 0ms, look_every);
        const int found = ::poll(&ready, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(wait).count()));
        if (found < 0 && errno != EINTR) return true;
        if (found <= 0) {
            if (left <= 0ms) return false;
            continue;
        }
        const auto size = size_of_next(text);
        const auto written = is_socket_ && to == descriptor_ ? ::send(to, text.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL)
                                                             : ::write(to, text.data(), size);
        if (written > 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
            taken = Clock::now();
        } else if (written < 0 && errno != EAGAIN && errno != EINTR) {
            broken_ = errno == EPIPE || errno == EBADF;  // a full disk may have room again
            return true;                                 // nothing to wait for
        } else if (left <= 0ms) {
            return false;
        }
    }
    return true;
}

}  // namespace sluice::log

#include "app/descriptors.hpp"

#include "telemetry/log.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>

namespace sluice::app {
namespace {

/// What no connection can have: the descriptors of the pools, Redis, the loops and the log, and some to spare.
constexpr ::rlim_t own_descriptors = 256;

}  // namespace

void open_standard_descriptors() {
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(descriptor, F_GETFD) < 0 && errno == EBADF) static_cast<void>(::open("/dev/null", O_RDWR));
    }
}

void allow_many_descriptors() {
    ::rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

void fit_to_descriptors(std::size_t& connections) {
    ::rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
    const auto most = limit.rlim_cur > 2 * own_descriptors ? limit.rlim_cur - own_descriptors : limit.rlim_cur / 2;
    if (connections <= most) return;
    log::info("connections_below_limit", {{"detail", "raise the limit of open files (ulimit -n, LimitNOFILE=)"},
                                          {"configured", connections},
                                          {"connections", most}});
    connections = most;
}

}  // namespace sluice::app

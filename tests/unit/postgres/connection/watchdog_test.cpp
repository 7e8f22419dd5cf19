#include "postgres/connection/watchdog.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <thread>

namespace sluice::postgres {
namespace {

struct SocketPair {
    SocketPair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0); }
    ~SocketPair() {
        for (const int end : ends) ::close(end);
    }
    // Blocks until the peer says something or the socket is shut down; true in the latter case.
    bool read_end() const {
        char byte = 0;
        return ::read(ends[0], &byte, 1) == 0;
    }
    std::array<int, 2> ends{};
};

}  // namespace

TEST(Watchdog, EndsACallAtItsLimitAndNoOther) {
    Watchdog watchdog;
    const SocketPair stuck, patient;
    const Watchdog::Watch long_one{watchdog, patient.ends[0], TimePoint::max()};
    const Watchdog::Watch short_one{watchdog, stuck.ends[0], Clock::now() + std::chrono::milliseconds{5}};
    EXPECT_TRUE(stuck.read_end());
    ::pollfd polled{patient.ends[0], POLLIN, 0};
    EXPECT_EQ(::poll(&polled, 1, 0), 0);
}

TEST(Watchdog, AnInterruptEndsTheCallsUnderWayAndNotThoseToCome) {
    Watchdog watchdog;
    const SocketPair stuck, later;
    const Watchdog::Watch long_one{watchdog, stuck.ends[0], TimePoint::max()};
    watchdog.interrupt();
    EXPECT_TRUE(stuck.read_end());
    const Watchdog::Watch next{watchdog, later.ends[0], TimePoint::max()};
    ::pollfd polled{later.ends[0], POLLIN, 0};
    EXPECT_EQ(::poll(&polled, 1, 0), 0);
    EXPECT_FALSE(watchdog.stopping());
}

TEST(Watchdog, LeavesACallAloneThatReturnedInTime) {
    Watchdog watchdog;
    const SocketPair done, stuck;
    const auto limit = Clock::now() + std::chrono::milliseconds{5};
    { const Watchdog::Watch watch{watchdog, done.ends[0], limit}; }
    const Watchdog::Watch watch{watchdog, stuck.ends[0], limit};
    EXPECT_TRUE(stuck.read_end()) << "by now the limit of both has passed";
    ::pollfd polled{done.ends[0], POLLIN, 0};
    EXPECT_EQ(::poll(&polled, 1, 0), 0);
}

TEST(Watchdog, StopEndsCallsUnderWayAndThoseToCome) {
    Watchdog watchdog;
    const SocketPair running, later;
    std::jthread stopper{[&] { watchdog.stop(); }};
    {
        const Watchdog::Watch watch{watchdog, running.ends[0], TimePoint::max()};
        EXPECT_TRUE(running.read_end());
    }
    const Watchdog::Watch watch{watchdog, later.ends[0], TimePoint::max()};
    EXPECT_TRUE(later.read_end());
    ::pollfd polled{watchdog.stop_descriptor(), POLLIN, 0};
    EXPECT_EQ(::poll(&polled, 1, 0), 1);
}

}  // namespace sluice::postgres

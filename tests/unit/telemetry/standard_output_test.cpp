// A reader that does not read costs no more than was said.
#include "telemetry/standard_output.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <string>
#include <thread>

namespace sluice::log {
namespace {

using namespace std::chrono_literals;
using Clock = StandardOutput::Clock;

struct Pair {
    explicit Pair(bool sockets) {
        std::array<int, 2> both{};
        EXPECT_EQ(sockets ? ::socketpair(AF_UNIX, SOCK_STREAM, 0, both.data()) : ::pipe(both.data()), 0);
        reader = both[0];
        writer = both[1];
    }
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;
    ~Pair() {
        ::close(reader);
        ::close(writer);
    }
    int reader = -1, writer = -1;
};

const std::string lines(1 << 20, 'x');

}  // namespace

TEST(StandardOutput, GivesUpWhenItIsDueWhetherPipeOrSocket) {
    for (const bool sockets : {false, true}) {
        const Pair pair{sockets};
        StandardOutput output{pair.writer};
        EXPECT_FALSE(output.is_terminal());
        EXPECT_TRUE(output.write("a line\n"));
        EXPECT_FALSE(output.write(lines, Clock::now() + 20ms));
        EXPECT_EQ(::fcntl(pair.writer, F_GETFL) & O_NONBLOCK, 0) << "others that write to it see no change";
    }
}

TEST(StandardOutput, AHurryEndsAWriteUnderWay) {
    const Pair pair{false};
    StandardOutput output{pair.writer};
    bool all = true;
    std::thread writer{[&] { all = output.write(lines); }};
    output.hurry(0ms);
    writer.join();
    EXPECT_FALSE(all);
}

TEST(StandardOutput, WritesAllToWhoeverReads) {
    for (const bool sockets : {false, true}) {
        const Pair pair{sockets};
        StandardOutput output{pair.writer};
        std::string text;
        for (int i = 0; i < 20'000; ++i) text += "line " + std::to_string(i) + "\n";
        std::string read;
        std::thread reader{[&] {
            std::array<char, 5000> buffer{};
            while (read.size() < text.size()) {
                const auto size = ::read(pair.reader, buffer.data(), buffer.size());
                if (size <= 0) break;
                read.append(buffer.data(), static_cast<std::size_t>(size));
            }
        }};
        EXPECT_TRUE(output.write(text));
        reader.join();
        EXPECT_EQ(read, text);
    }
}

TEST(StandardOutput, FollowsADescriptorThatIsGivenToAnotherFile) {
    const Pair first{false};
    const Pair second{false};
    StandardOutput output{first.writer};
    ASSERT_EQ(::dup2(second.writer, first.writer), first.writer);
    EXPECT_TRUE(output.write("line\n"));
    std::array<char, 16> got{};
    ASSERT_EQ(::read(second.reader, got.data(), got.size()), 5);
    EXPECT_EQ((std::string{got.data(), 5}), "line\n");
}

TEST(StandardOutput, AReaderThatHasGoneIsNotWaitedFor) {
    const auto before = std::signal(SIGPIPE, SIG_IGN);
    Pair pair{false};
    ::close(pair.reader);
    StandardOutput output{pair.writer};
    EXPECT_TRUE(output.write(lines));
    EXPECT_TRUE(output.write(lines));
    pair.reader = -1;
    std::signal(SIGPIPE, before);
}

}  // namespace sluice::log

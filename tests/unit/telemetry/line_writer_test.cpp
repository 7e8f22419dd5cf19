#include "telemetry/line_writer.hpp"

#include <gtest/gtest.h>

#include <future>
#include <vector>

namespace sluice::log {
namespace {

/// Notes what it gets; lets nothing go on before it is opened.
class Sink {
public:
    auto function() {
        return [this](std::string_view lines, std::uint64_t lost) {
            all += lines;
            lost_lines += lost;
            if (calls++ == 0) {
                entered.set_value();
                opened.get_future().wait();
            }
        };
    }

    std::promise<void> entered, opened;
    std::string all;
    std::uint64_t lost_lines = 0;
    unsigned calls = 0;
};

}  // namespace

TEST(LineWriter, WritesEveryLineInOrderAndManyAtATime) {
    Sink sink;
    sink.opened.set_value();
    std::string expected;
    {
        LineWriter writer{sink.function(), 1 << 20};
        for (int i = 0; i < 10'000; ++i) {
            EXPECT_TRUE(writer.add(std::to_string(i), i % 1000 == 0));
            expected += std::to_string(i) + "\n";
        }
        writer.finish();
        EXPECT_FALSE(writer.add("late", true));
    }
    EXPECT_EQ(sink.all, expected);
    EXPECT_EQ(sink.lost_lines, 0u);
    EXPECT_LT(sink.calls, 10'000u);
}

TEST(LineWriter, AnUrgentLineIsWrittenThoughNoOtherComes) {
    Sink sink;
    LineWriter writer{sink.function(), 1 << 20};
    writer.add("now", true);
    sink.entered.get_future().wait();
    EXPECT_EQ(sink.all, "now\n");
    sink.opened.set_value();
}

TEST(LineWriter, LosesWhatTheSinkDoesNotTakeAndSaysHowMuch) {
    Sink sink;
    LineWriter writer{sink.function(), 100};
    writer.add("first", true);
    sink.entered.get_future().wait();
    for (int i = 0; i < 30; ++i) writer.add("123456789", false);
    sink.opened.set_value();
    writer.finish();
    EXPECT_EQ(sink.all.size(), 6u + 10 * 10);
    EXPECT_EQ(sink.lost_lines, 20u);
}

TEST(LineWriter, ManyThreadsLoseNothing) {
    Sink sink;
    sink.opened.set_value();
    LineWriter writer{sink.function(), 1 << 20};
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 1000; ++i) writer.add("x", i % 7 == 0);
        });
    }
    for (auto& thread : threads) thread.join();
    writer.finish();
    EXPECT_EQ(sink.all.size(), 8000u);
}

}  // namespace sluice::log

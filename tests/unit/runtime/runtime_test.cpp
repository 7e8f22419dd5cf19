#include "runtime/blocking_lane.hpp"
#include "runtime/event_loops.hpp"
#include "runtime/gate.hpp"
#include "runtime/one_shot.hpp"
#include "runtime/timer_sweep.hpp"
#include "support/run.hpp"

#include <gtest/gtest.h>

#include <future>
#include <latch>

namespace sluice::runtime {

using namespace std::chrono_literals;

TEST(OneShot, DeliversFromAnotherThread) {
    boost::asio::io_context loop{1};
    const OneShot<int> shot{loop.get_executor()};
    std::jthread sender{[shot] { shot.set(7); }};
    EXPECT_EQ(test::run(loop, shot.wait(Deadline::after(Clock::now(), 10s))), 7);
}

TEST(OneShot, TheFirstValueCounts) {
    boost::asio::io_context loop{1};
    const OneShot<int> shot{loop.get_executor()};
    shot.set(1);
    shot.set(2);
    EXPECT_EQ(test::run(loop, shot.wait(Deadline::never())), 1);
}

TEST(OneShot, IsEmptyAtTheDeadline) {
    boost::asio::io_context loop{1};
    const OneShot<int> shot{loop.get_executor()};
    EXPECT_EQ(test::run(loop, shot.wait(Deadline::after(Clock::now(), 1ms))), std::nullopt);
}

TEST(BlockingLane, RefusesWhenFull) {
    BlockingLane lane{1, 1};
    std::latch running{1};
    std::promise<void> release;
    const auto released = release.get_future().share();
    ASSERT_TRUE(lane.try_submit([&running, released](std::size_t) {
        running.count_down();
        released.wait();
    }));
    running.wait();
    EXPECT_TRUE(lane.try_submit([](std::size_t) {}));
    EXPECT_FALSE(lane.try_submit([](std::size_t) {})) << "one runs, one waits";
    release.set_value();
}

TEST(BlockingLane, RunsEverythingOnItsWorkers) {
    constexpr std::size_t jobs = 1000;
    std::atomic<std::size_t> done{0};
    std::latch all{jobs};
    {
        BlockingLane lane{3, jobs};
        for (std::size_t i = 0; i < jobs; ++i) {
            ASSERT_TRUE(lane.try_submit([&](std::size_t worker) {
                EXPECT_LT(worker, 3u);
                ++done;
                all.count_down();
            }));
        }
        all.wait();
    }
    EXPECT_EQ(done, jobs);
}

TEST(Gate, WaitsForWhatIsUnderWay) {
    Gate gate;
    auto pass = gate.enter();
    ASSERT_TRUE(pass);
    gate.close();
    EXPECT_FALSE(gate.enter());
    EXPECT_FALSE(gate.wait_empty(Deadline::after(Clock::now(), 1ms)));
    std::jthread leaver{[held = std::move(*pass)]() mutable { const auto gone = std::move(held); }};
    pass.reset();
    EXPECT_TRUE(gate.wait_empty(Deadline::after(Clock::now(), 10s)));
}

TEST(TimerSweep, RingsWhoIsDueAndNobodyElse) {
    Loop loop;
    int rung = 0;
    TimerSweep::Alarm later{[&] { FAIL() << "not due"; }};
    TimerSweep::Alarm disarmed{[&] { FAIL() << "disarmed"; }};
    auto destroyed = std::make_unique<TimerSweep::Alarm>([&] { FAIL() << "destroyed"; });
    TimerSweep::Alarm due{[&] {
        ++rung;
        destroyed.reset();
        loop.sweep.stop();
        loop.context.stop();
    }};
    const auto now = Clock::now();
    loop.sweep.arm(*destroyed, now + 1h);
    loop.sweep.arm(later, now + 1h);
    loop.sweep.arm(disarmed, now);
    loop.sweep.arm(due, now);
    disarmed.disarm();
    loop.sweep.start();
    loop.context.run();
    EXPECT_EQ(rung, 1);
    EXPECT_FALSE(due.armed());
    EXPECT_TRUE(later.armed());
}

TEST(EventLoops, EachThreadKnowsItsLoop) {
    EventLoops loops{2};
    loops.start();
    EXPECT_EQ(EventLoops::current(), static_cast<std::size_t>(-1));
    for (std::size_t i = 0; i < loops.size(); ++i) {
        std::promise<std::size_t> current;
        boost::asio::post(loops.serving(i).executor(), [&] { current.set_value(EventLoops::current()); });
        EXPECT_EQ(current.get_future().get(), i);
    }
    EXPECT_TRUE(loops.turning(Clock::now(), 1h));
    EXPECT_FALSE(loops.turning(Clock::now() + 2h, 1h));
    loops.stop();
}

TEST(TimerSweep, TellsHowLateItsTurnCame) {
    boost::asio::io_context context{1};
    TimerSweep sweep{context.get_executor()};
    std::vector<Duration> told;
    sweep.observe_lateness([&](Duration late) {
        told.push_back(late);
        sweep.stop();
        context.stop();
    });
    sweep.start();
    const auto free_again = Clock::now() + TimerSweep::resolution + 20ms;
    boost::asio::post(context, [free_again] {
        while (Clock::now() < free_again) std::this_thread::yield();  // something holds the loop
    });
    context.run();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_GE(told[0], 10ms);
}

}  // namespace sluice::runtime

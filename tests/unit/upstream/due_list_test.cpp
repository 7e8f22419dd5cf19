#include "upstream/due_list.hpp"

#include <gtest/gtest.h>
#include <boost/asio/io_context.hpp>

#include <functional>
#include <random>
#include <vector>

namespace sluice::upstream {
namespace {

using namespace std::chrono_literals;

struct Entry final : DueList::Entry {
    std::function<void()> then;
    int times = 0;

private:
    void on_due() override {
        ++times;
        if (then) then();
    }
};

}  // namespace

TEST(DueList, TellsWhatIsDueAndNothingElse) {
    boost::asio::io_context loop{1};
    const auto list = std::make_shared<DueList>(loop.get_executor());
    Entry soon;
    Entry never;
    Entry disarmed;
    Entry moved;
    const auto now = Clock::now();
    list->arm(never, now + 1h);
    list->arm(disarmed, now);
    list->arm(moved, now + 1h);
    list->arm(soon, now + 1ms);
    disarmed.disarm();
    list->arm(moved, now + 2ms);
    moved.then = [&] { loop.stop(); };
    loop.run();
    EXPECT_GE(Clock::now(), now + 2ms);
    EXPECT_EQ(soon.times, 1);
    EXPECT_EQ(moved.times, 1);
    EXPECT_EQ(never.times, 0);
    EXPECT_EQ(disarmed.times, 0);
}

TEST(DueList, AnEntryMayArmItselfAgainOrDestroyOthers) {
    boost::asio::io_context loop{1};
    const auto list = std::make_shared<DueList>(loop.get_executor());
    std::vector<std::unique_ptr<Entry>> entries;
    for (int i = 0; i < 20; ++i) entries.push_back(std::make_unique<Entry>());
    Entry again;
    again.then = [&] {
        if (again.times < 3) return list->arm(again, Clock::now());
        loop.stop();
    };
    std::mt19937 random{1};
    for (auto& one : entries) {
        one->then = [&] {
            for (int i = 0; i < 3; ++i) {
                auto& other = entries[random() % entries.size()];
                if (other && other->times == 0) other.reset();
            }
        };
        list->arm(*one, Clock::now());
    }
    list->arm(again, Clock::now());
    loop.run();
    EXPECT_EQ(again.times, 3);
}

TEST(DueList, StoppedEverythingIsDue) {
    boost::asio::io_context loop{1};
    const auto list = std::make_shared<DueList>(loop.get_executor());
    Entry armed;
    Entry idle;
    Entry later;
    list->arm(armed, Clock::now() + 1h);
    list->arm(idle, Clock::now() + 1h);
    idle.disarm();
    list->stop();
    EXPECT_EQ(armed.times, 1);
    EXPECT_EQ(idle.times, 0);
    list->arm(later, Clock::now() + 1h);
    EXPECT_EQ(later.times, 1);
}

}  // namespace sluice::upstream

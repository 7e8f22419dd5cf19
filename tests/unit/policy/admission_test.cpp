#include "policy/admission.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <queue>
#include <random>
#include <set>

namespace sluice::policy {

using namespace std::chrono_literals;
using Refusal = Admission::Refusal;
using Ticket = Admission::Ticket;

namespace {

constexpr TimePoint start{1h};

Admission::Settings connections(std::size_t number) { return {.connections = number}; }

/// After that a call of the kind is known to take so long.
void teach(Admission& admission, std::uint64_t kind, Duration takes) {
    ASSERT_FALSE(admission.arrive(1'000'000 + kind, kind, start + 1h, start));
    ASSERT_TRUE(admission.next(start));
    admission.finished(1'000'000 + kind, start + takes);
}

/// A pool on which calls take a random time, asked by clients at a rate; in simulated time.
class World {
public:
    struct Load {
        std::uint64_t kind;
        double per_second;
        Duration takes;
        Duration patience;
    };
    struct Count {
        int asked = 0, done = 0, refused = 0, late = 0, begun_in_vain = 0;
        Duration longest{0};
    };

    World(std::size_t connections, std::vector<Load> loads)
        : admission_{{.connections = connections}}, loads_{std::move(loads)} {
        for (const auto& load : loads_) schedule(load);
    }
    /// From then on calls of the kind do not end.
    void lock(std::uint64_t kind) { locked_.insert(kind); }
    void run(Duration time) {
        const auto until = now_ + time;
        while (!events_.empty() && events_.top().at <= until) {
            const auto event = events_.top();
            events_.pop();
            now_ = event.at;
            if (event.ends) {
                end(event.ticket);
            } else {
                arrive(loads_[event.ticket]);
            }
            serve();
        }
        now_ = until;
    }
    std::map<std::uint64_t, Count> counts;

private:
    struct Event {
        TimePoint at;
        bool ends;
        Ticket ticket;  // or the load's index
        bool operator<(const Event& other) const { return at > other.at; }
    };
    struct Call {
        const Load* load;
        TimePoint asked, deadline;
    };
    Duration draw(Duration mean) {
        return std::chrono::duration_cast<Duration>(mean * std::exponential_distribution<>{1.0}(random_));
    }
    void schedule(const Load& load) {
        const auto gap = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1 / load.per_second));
        events_.push({now_ + draw(gap), false, static_cast<Ticket>(&load - loads_.data())});
    }
    void arrive(const Load& load) {
        schedule(load);
        auto& count = counts[load.kind];
        ++count.asked;
        const auto ticket = ++last_;
        if (admission_.arrive(ticket, load.kind, now_ + load.patience, now_)) {
            ++count.refused;
        } else {
            calls_[ticket] = {&load, now_, now_ + load.patience};
        }
    }
    void serve() {
        for (const auto ticket : admission_.take_late(now_)) {
            ++counts[calls_.at(ticket).load->kind].refused;
            calls_.erase(ticket);
        }
        while (const auto ticket = admission_.next(now_)) {
            const auto& call = calls_.at(*ticket);
            if (now_ >= call.deadline) ++counts[call.load->kind].begun_in_vain;
            if (locked_.contains(call.load->kind)) continue;
            const auto takes = call.load->takes / 2 + draw(call.load->takes / 2);
            events_.push({now_ + takes, true, *ticket});
        }
    }
    void end(Ticket ticket) {
        const auto call = calls_.at(ticket);
        auto& count = counts[call.load->kind];
        ++(now_ <= call.deadline ? count.done : count.late);
        count.longest = std::max(count.longest, now_ - call.asked);
        calls_.erase(ticket);
        admission_.finished(ticket, now_);
    }

    std::mt19937_64 random_{17};
    TimePoint now_ = start;
    Admission admission_;
    std::vector<Load> loads_;
    std::set<std::uint64_t> locked_;
    std::map<Ticket, Call> calls_;
    std::priority_queue<Event> events_;
    Ticket last_ = 0;
};

}  // namespace

TEST(Admission, RunsAsManyAsThereAreConnectionsInTheOrderInWhichTheyCame) {
    Admission admission{connections(2)};
    for (Ticket ticket = 1; ticket <= 4; ++ticket) EXPECT_FALSE(admission.arrive(ticket, 7, start + 1s, start));
    EXPECT_EQ(admission.next(start), 1U);
    EXPECT_EQ(admission.next(start), 2U);
    EXPECT_FALSE(admission.next(start));
    EXPECT_EQ(admission.waiting(), 2U);
    admission.finished(2, start + 1ms);
    EXPECT_EQ(admission.next(start + 1ms), 3U);
}

TEST(Admission, WhoCannotBeAnsweredInTimeIsRefusedAtOnce) {
    Admission admission{connections(1)};
    teach(admission, 1, 500ms);
    EXPECT_FALSE(admission.arrive(1, 1, start + 2s, start));
    EXPECT_EQ(admission.next(start), 1U);
    EXPECT_FALSE(admission.arrive(2, 1, start + 2s, start)) << "one runs, then this";
    EXPECT_EQ(admission.arrive(3, 1, start + 900ms, start), Refusal::too_late);
    EXPECT_EQ(admission.arrive(4, 2, start + 400ms, start), Refusal::too_late) << "a kind nobody knows has to wait as well";
    EXPECT_FALSE(admission.arrive(5, 2, start + 2s, start));
}

TEST(Admission, AKindThatOnceTookTooLongIsTriedAgainWhenNothingIsInItsWay) {
    Admission admission{connections(1)};
    teach(admission, 1, 10s);
    EXPECT_FALSE(admission.arrive(1, 1, start + 1s, start));
    EXPECT_TRUE(admission.take_late(start).empty());
    EXPECT_EQ(admission.next(start), 1U);
    EXPECT_EQ(admission.arrive(2, 1, start + 1s, start), Refusal::too_late);
}

TEST(Admission, NothingBeginsWhenItsTimeIsOver) {
    Admission admission{connections(1)};
    EXPECT_FALSE(admission.arrive(1, 1, start + 1s, start));
    EXPECT_FALSE(admission.arrive(2, 1, start + 1s, start));
    EXPECT_EQ(admission.next(start), 1U);
    admission.finished(1, start + 900ms);
    EXPECT_EQ(admission.take_late(start + 900ms), std::vector<Ticket>{2}) << "100 ms are not enough for what took 900";
    EXPECT_FALSE(admission.next(start + 900ms));
    EXPECT_EQ(admission.waiting(), 0U);
}

TEST(Admission, APartIsKeptForThoseThatHaveNothingToDoWithIt) {
    Admission admission{connections(4)};
    const std::vector<std::string> city{"city"};
    admission.know(1, city);
    admission.know(2, city);
    ASSERT_FALSE(admission.arrive(1, 3, start + 1h, start));
    ASSERT_EQ(admission.next(start), 1U);
    admission.finished(1, start + 1ms);
    for (Ticket ticket = 10; ticket < 16; ++ticket)
        EXPECT_FALSE(admission.arrive(ticket, 1 + ticket % 2, start + 1h, start));
    for (Ticket ticket = 10; ticket < 13; ++ticket) EXPECT_EQ(admission.next(start), ticket) << "of both routes";
    EXPECT_FALSE(admission.next(start + 1s));
    EXPECT_FALSE(admission.arrive(20, 3, start + 1h, start + 1s));
    EXPECT_EQ(admission.next(start + 1s), 20U) << "another table's goes before those that wait";
    EXPECT_FALSE(admission.next(start + 1s));
    admission.finished(20, start + 2s);
    EXPECT_FALSE(admission.next(start + 2s));
    EXPECT_EQ(admission.next(start + 20s), 13U) << "nobody else has come for long";
}

TEST(Admission, WithOneConnectionNoneCanBeKept) {
    Admission admission{connections(1)};
    EXPECT_FALSE(admission.arrive(1, 1, start + 1s, start));
    EXPECT_FALSE(admission.arrive(2, 2, start + 1s, start));
    EXPECT_EQ(admission.next(start), 1U);
}

TEST(Admission, WhatCouldNotRunWaitsInItsOldPlace) {
    Admission admission{connections(2)};
    for (Ticket ticket = 1; ticket <= 3; ++ticket) admission.arrive(ticket, 1, start + 1s, start);
    EXPECT_EQ(admission.next(start), 1U);
    admission.put_back(1);
    EXPECT_EQ(admission.waiting(), 3U);
    admission.set_connections(1);
    EXPECT_EQ(admission.next(start), 1U);
    EXPECT_FALSE(admission.next(start));
    EXPECT_TRUE(admission.forget(2));
    EXPECT_FALSE(admission.forget(1)) << "it runs";
    admission.finished(1, start + 1ms);
    EXPECT_EQ(admission.next(start + 1ms), 3U);
}

TEST(Admission, NoMoreWaitThanThereIsRoomFor) {
    Admission admission{{.connections = 1, .most_waiting = 2}};
    EXPECT_FALSE(admission.arrive(1, 1, start + 1s, start));
    EXPECT_EQ(admission.next(start), 1U);
    EXPECT_FALSE(admission.arrive(2, 1, start + 1s, start));
    EXPECT_FALSE(admission.arrive(3, 1, start + 1s, start));
    EXPECT_EQ(admission.arrive(4, 1, start + 1s, start), Refusal::full);
}

// Situation O2: a route of half a second, asked for many times more than four connections can do.
TEST(Admission, GoodputStaysAtCapacityWhateverIsAsked) {
    for (const double load : {4.0, 12.0, 40.0, 400.0}) {
        World world{4, {{1, load, 500ms, 5s}}};
        world.run(20s);
        world.counts.clear();
        world.run(100s);
        const auto& count = world.counts[1];
        const double capacity = std::min<double>(count.asked, 8 * 100);
        EXPECT_GE(count.done, .93 * capacity) << load;
        EXPECT_LE(count.late, .02 * capacity) << load;
        EXPECT_EQ(count.begun_in_vain, 0);
        if (load < 6) EXPECT_LE(count.refused, .01 * count.asked);
    }
}

// Situation O5: all calls of one kind wait for a lock.
TEST(Admission, ALockStopsOnlyThoseThatWaitForIt) {
    World world{4, {{1, 100, 5ms, 5s}, {2, 100, 5ms, 5s}}};
    world.run(2s);
    world.lock(1);
    world.counts.clear();
    world.run(4s);
    const auto& other = world.counts[2];
    EXPECT_GE(other.done, other.asked - 5);
    EXPECT_LE(other.longest, 200ms);
    EXPECT_EQ(other.refused, 0);
    EXPECT_GT(world.counts[1].refused, 0) << "who waits behind it is told";
}

TEST(Admission, KeepsCountInAnyOrderOfEvents) {
    std::mt19937_64 random{5};
    for (int round = 0; round < 200; ++round) {
        Admission admission{connections(1 + random() % 5)};
        std::set<Ticket> waiting, running;
        auto now = start;
        Ticket last = 0;
        for (int step = 0; step < 500; ++step) {
            now += std::chrono::microseconds{random() % 5'000};
            const auto any = [&](const std::set<Ticket>& of) {
                return *std::next(of.begin(), static_cast<int>(random() % of.size()));
            };
            switch (random() % 6) {
                case 0:
                case 1:
                    if (!admission.arrive(++last, random() % 4, now + std::chrono::milliseconds{random() % 100}, now))
                        waiting.insert(last);
                    break;
                case 2:
                    if (const auto next = admission.next(now)) {
                        ASSERT_EQ(waiting.erase(*next), 1U);
                        running.insert(*next);
                    }
                    break;
                case 3:
                    if (!running.empty()) {
                        const auto ended = any(running);
                        admission.finished(ended, now, random() % 4 != 0);
                        running.erase(ended);
                    }
                    break;
                case 4:
                    for (const auto late : admission.take_late(now)) ASSERT_EQ(waiting.erase(late), 1U);
                    break;
                default:
                    if (!running.empty() && random() % 3 == 0) {
                        const auto back = any(running);
                        admission.put_back(back);
                        running.erase(back);
                        waiting.insert(back);
                    } else if (!waiting.empty()) {
                        const auto gone = any(waiting);
                        ASSERT_TRUE(admission.forget(gone));
                        waiting.erase(gone);
                    }
            }
            ASSERT_EQ(admission.waiting(), waiting.size());
            ASSERT_EQ(admission.running(), running.size());
        }
    }
}

TEST(Admission, ForgetsKindsThatNobodyAsksForAnyMore) {
    Admission admission{connections(1)};
    const std::vector<std::string> table{"table"};
    for (const std::uint64_t kind : {1, 2, 3, 4}) admission.know(kind, table);
    teach(admission, 1, 1s);
    ASSERT_FALSE(admission.arrive(2, 2, start + 1h, start));
    ASSERT_EQ(admission.next(start), Ticket{2});
    ASSERT_FALSE(admission.arrive(3, 3, start + 1h, start));

    admission.keep({});
    EXPECT_EQ(admission.kinds(), 2u) << "one runs, and one waits";
    admission.finished(2, start + 1ms);
    EXPECT_EQ(admission.next(start), Ticket{3});
    admission.finished(3, start + 2ms);
    const std::vector<std::uint64_t> kept{3};
    admission.keep(kept);
    EXPECT_EQ(admission.kinds(), 1u);

    // Of the first nothing is known any more: a second was too long for its deadline.
    EXPECT_FALSE(admission.arrive(5, 1, start + 500ms, start));
    EXPECT_EQ(admission.next(start), Ticket{5});
}

TEST(Admission, ResourcesOfForgottenKindsAreNotMixedUpWithThoseOfNewOnes) {
    Admission admission{connections(4)};
    for (std::uint64_t round = 0; round < 1'000; ++round) {
        const std::vector<std::string> mine{"table-" + std::to_string(round)};
        const std::vector<std::string> others{"other-" + std::to_string(round)};
        admission.know(2 * round, mine);
        admission.know(2 * round + 1, others);
        const std::vector<std::uint64_t> kept{2 * round, 2 * round + 1};
        admission.keep(kept);
    }
    EXPECT_EQ(admission.kinds(), 2u);
    EXPECT_EQ(admission.resources(), 4u) << "of each its own, and its table";
    // They share nothing, so a part is kept for the other.
    const std::uint64_t one = 1'998;
    const std::uint64_t other = 1'999;
    ASSERT_FALSE(admission.arrive(1, other, start + 1h, start));
    ASSERT_TRUE(admission.next(start));
    admission.finished(1, start);
    for (Ticket ticket = 2; ticket < 6; ++ticket) ASSERT_FALSE(admission.arrive(ticket, one, start + 1h, start));
    for (Ticket ticket = 2; ticket < 5; ++ticket) EXPECT_EQ(admission.next(start), ticket);
    EXPECT_FALSE(admission.next(start));
}

}  // namespace sluice::policy

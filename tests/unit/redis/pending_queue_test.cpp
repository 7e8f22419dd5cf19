#include "redis/pending_queue.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace sluice::redis {
namespace {

using namespace std::chrono_literals;

/// Move-only, as the real ones are.
using Waiter = std::unique_ptr<int>;
using Queue = PendingQueue<Waiter>;

constexpr TimePoint start{};

Value number(std::int64_t n) { return Value{Value::Kind::integer, n, {}, {}}; }
Value error(std::string text) { return Value{Value::Kind::error, 0, std::move(text), {}}; }
void push(Queue& queue, int who, Duration sent, Duration due, std::size_t replies = 1) {
    queue.push(start + sent, start + due, replies, std::make_unique<int>(who));
}
std::vector<int> names(const std::vector<Queue::Ended>& ended) {
    std::vector<int> all;
    for (const auto& one : ended) all.push_back(*one.waiter);
    return all;
}

TEST(PendingQueue, RepliesGoToTheirWaitersInOrder) {
    Queue queue;
    push(queue, 1, 0ms, 50ms);
    push(queue, 2, 0ms, 50ms);
    const auto first = queue.reply(number(10));
    const auto second = queue.reply(number(20));
    ASSERT_TRUE(first && second);
    EXPECT_EQ(*first->waiter, 1);
    EXPECT_EQ(first->reply.value.integer, 10);
    EXPECT_EQ(*second->waiter, 2);
    EXPECT_EQ(second->reply.status, Status::ok);
    EXPECT_EQ(queue.owed(), 0u);
}

TEST(PendingQueue, AnErrorReplyIsTold) {
    Queue queue;
    push(queue, 1, 0ms, 50ms);
    const auto ended = queue.reply(error("ERR no"));
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->reply.status, Status::error);
    EXPECT_EQ(ended->reply.value.text, "ERR no");
    EXPECT_TRUE(ended->reply.sent);
}

TEST(PendingQueue, ALateReplyIsDroppedAndTheOrderHolds) {
    Queue queue;
    push(queue, 1, 0ms, 50ms);
    push(queue, 2, 10ms, 60ms);
    const auto late = queue.expire(start + 50ms);
    ASSERT_EQ(names(late), std::vector{1});
    EXPECT_EQ(late[0].reply.status, Status::timed_out);
    EXPECT_TRUE(late[0].reply.sent);
    EXPECT_EQ(queue.owed(), 2u);
    EXPECT_FALSE(queue.reply(number(10)));
    const auto second = queue.reply(number(20));
    ASSERT_TRUE(second);
    EXPECT_EQ(*second->waiter, 2);
    EXPECT_EQ(second->reply.value.integer, 20);
}

TEST(PendingQueue, ShortDeadlinesPassBeforeOlderLongOnes) {
    Queue queue;
    push(queue, 1, 0ms, 50ms);
    push(queue, 2, 0ms, 5ms);
    push(queue, 3, 0ms, 20ms);
    EXPECT_EQ(queue.earliest_due(), start + 5ms);
    EXPECT_TRUE(queue.expire(start + 4ms).empty());
    EXPECT_EQ(names(queue.expire(start + 5ms)), std::vector{2});
    EXPECT_EQ(queue.earliest_due(), start + 20ms);
    EXPECT_EQ(names(queue.expire(start + 50ms)), (std::vector{1, 3}));
    EXPECT_EQ(queue.earliest_due(), TimePoint::max());
    EXPECT_TRUE(queue.expire(start + 1h).empty());
}

TEST(PendingQueue, SeveralRepliesAreGathered) {
    Queue queue;
    push(queue, 1, 0ms, 50ms, 2);
    push(queue, 2, 0ms, 50ms);
    EXPECT_EQ(queue.owed(), 3u);
    EXPECT_FALSE(queue.reply(number(1)));
    const auto both = queue.reply(error("ERR no"));
    ASSERT_TRUE(both);
    EXPECT_EQ(both->reply.status, Status::ok);
    ASSERT_EQ(both->reply.value.elements.size(), 2u);
    EXPECT_EQ(both->reply.value.elements[0].integer, 1);
    EXPECT_EQ(both->reply.value.elements[1].text, "ERR no");
    EXPECT_TRUE(queue.reply(number(3)));
}

TEST(PendingQueue, SeveralLateRepliesAreAllDropped) {
    Queue queue;
    push(queue, 1, 0ms, 50ms, 2);
    push(queue, 2, 0ms, 500ms);
    EXPECT_FALSE(queue.reply(number(1)));
    EXPECT_EQ(names(queue.expire(start + 60ms)), std::vector{1});
    EXPECT_FALSE(queue.reply(number(2)));
    const auto next = queue.reply(number(3));
    ASSERT_TRUE(next);
    EXPECT_EQ(*next->waiter, 2);
}

TEST(PendingQueue, ALossFailsThoseWhoStillWait) {
    Queue queue;
    push(queue, 1, 0ms, 10ms);
    push(queue, 2, 0ms, 50ms);
    queue.expire(start + 10ms);
    const auto failed = queue.fail_all();
    ASSERT_EQ(names(failed), std::vector{2});
    EXPECT_EQ(failed[0].reply.status, Status::unavailable);
    EXPECT_TRUE(failed[0].reply.sent);
    EXPECT_EQ(queue.owed(), 0u);
    EXPECT_EQ(queue.earliest_due(), TimePoint::max());
    EXPECT_FALSE(queue.oldest_sent());
}

TEST(PendingQueue, TellsSinceWhenAReplyIsOwed) {
    Queue queue;
    push(queue, 1, 3ms, 10ms);
    push(queue, 2, 7ms, 10ms);
    queue.expire(start + 20ms);
    EXPECT_EQ(queue.oldest_sent(), start + 3ms);
    queue.reply(number(1));
    EXPECT_EQ(queue.oldest_sent(), start + 7ms);
}

}  // namespace
}  // namespace sluice::redis
